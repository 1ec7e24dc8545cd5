"""Columns that several datasets have; the data dictionary says of each what stands here.

Headers and words in files are Chinese whatever the language of the screen: a file's columns are a contract.
"""

from objectives.spreadsheets.tables import Column, Kind

PLAN = "年度施政計畫"
INDICATORS = "年度施政計畫「貳、年度關鍵績效指標」及「參、年度共同性指標」"
REVISION = "經核定之目標值修正（docs/reporting.md「What changes after adoption」）"
REPORT = "季填報（docs/reporting.md）"
RULES = "本系統計算規則（docs/exports.md「計算規則」）"
UNITS = "機關單位主檔"
LEDGER = "異動紀錄（docs/ledger.md）"

YEAR = Column("年度", Kind.WHOLE, 6, "計畫年度，民國紀年，如 99。", source=PLAN)
QUARTER = Column("季別", Kind.WHOLE, 6, "1 至 4；表內數值計算至該季止。", source=PLAN)
KIND = Column(
    "類別", Kind.TEXT, 8, "「關鍵」為關鍵策略目標之指標，「共同性」為共同性目標之指標。", source=INDICATORS
)
GOAL_CODE = Column(
    "目標編號",
    Kind.TEXT,
    9,
    "目標之代碼：K 為關鍵策略目標，C 為共同性目標，其後為序號。",
    source=INDICATORS,
)
GOAL = Column("目標", Kind.TEXT, 36, "關鍵策略目標或共同性目標之名稱，依計畫原文。", source=INDICATORS)
CODE = Column("指標代碼", Kind.TEXT, 9, "績效指標之代碼，同一計畫內不重複，如 K1-1。", source=INDICATORS)
INDICATOR = Column("指標", Kind.TEXT, 36, "績效指標之名稱，依計畫原文。", source=INDICATORS)
LEAD = Column("主辦單位", Kind.TEXT, 18, "負責填報該指標之單位。", source=UNITS)
MEASURE = Column("計量單位", Kind.TEXT, 10, "指標實際值、預定值及目標值之計量單位。", source=INDICATORS)
PLANNED = Column(
    "預定值", Kind.NUMBER, 12, "至該季止應達成之預定值；未訂定者空白。",
    unit="依「計量單位」欄", source="各季預定值，由主辦機關訂定",
)  # fmt: skip
VALUE = Column(
    "累計實際值", Kind.NUMBER, 14,
    "以計算式由填報值計得之實際值，累計至該季；未四捨五入。尚無填報值或無法計算者空白，不以 0 代之。",
    unit="依「計量單位」欄", source=RULES,
)  # fmt: skip
STATE = Column(
    "資料狀態", Kind.TEXT, 12,
    "完整：應填數值均已具備；暫計：部分應填數值未填，僅就已填者計算；未填：尚無數值；不適用：經敘明理由不適用；"
    "無法計算：缺少必要數值或分母為 0。含未審核之填報值或示範資料者，於括號內註明。",
    source=RULES,
)  # fmt: skip
WHY = Column(
    "資料狀態說明", Kind.TEXT, 30, "資料非完整時，缺少何項數值或何以不適用、無法計算。", source=RULES
)
ATTAINMENT = Column(
    "達成度", Kind.NUMBER, 14, "達成度限於 0 至 100 之間，用於平均達成度之計算；未四捨五入。",
    unit="%", source=RULES,
)  # fmt: skip
PROGRESS = Column(
    "進度", Kind.TEXT, 10,
    "年度進行中之進度：已達標、超前、符合、落後（與預定值比較）、未屆期、資料未齊；年度終了後改列燈號，本欄空白。",
    source=RULES,
)  # fmt: skip
LIGHT = Column(
    "系統試算燈號", Kind.TEXT, 13,
    "年度終了後之試算燈號：★ 綠燈、▲ 黃燈、● 紅燈、□ 白燈（資料不完整）；門檻係本系統預設，非官方評核。",
    source=RULES,
)  # fmt: skip
HEAD_SEQ = Column(
    "異動紀錄序號", Kind.WHOLE, 13, "產製當時異動紀錄之最末序號，據以查核資料之時點。", source=LEDGER
)
HEAD_HASH = Column(
    "異動紀錄雜湊值",
    Kind.TEXT,
    66,
    "該序號之 SHA-256 雜湊值；嗣後紀錄如遭改寫，即與之不符。",
    source=LEDGER,
)
REPORT_STATUS = Column(
    "填報狀態",
    Kind.TEXT,
    12,
    "季填報現處之階段：草稿、送審、單位主管核章、審核通過或退回補正。",
    source=REPORT,
)
