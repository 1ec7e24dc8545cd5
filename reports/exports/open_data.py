"""The description of a dataset as the government's open data platform (data.gov.tw) asks for it."""

from __future__ import annotations

from typing import Any

from objectives.models import Plan
from objectives.roc import gregorian_year

from .dataset import Dataset
from .scope import Scope

LICENCE = "政府資料開放授權條款-第1版"
LICENCE_ADDRESS = "https://data.gov.tw/license"


def metadata(dataset: Dataset, scope: Scope, address: str) -> dict[str, Any]:
    """Describe the plain CSV file at address: what it holds, column by column, and on what terms."""
    return {
        "資料集名稱": f"{scope.plan.unit.name}{scope.plan.year}年度施政績效－{dataset.title}",
        "資料集描述": dataset.description,
        "主要欄位說明": [
            {
                "欄位名稱": column.header,
                "資料型態": column.kind.value,
                "計量單位": column.unit,
                "欄位說明": column.meaning,
                "資料來源": column.source,
            }
            for column in dataset.columns
        ],
        "提供機關": scope.plan.unit.name,
        "提供機關聯絡人": "",
        "更新頻率": "每季",
        "檔案格式": "CSV",
        "編碼格式": "UTF-8",
        "資料量": sum(1 for _row in dataset.rows(scope)),
        "資料期間": period(scope.plan, scope.quarter),
        "資料截至": scope.at.written,
        "資料下載網址": address,
        "計費方式": "免費",
        "授權方式": LICENCE,
        "授權說明網址": LICENCE_ADDRESS,
        "異動紀錄序號": scope.at.head.seq,
        "異動紀錄雜湊值": scope.at.head.hash,
    }


def period(plan: Plan, quarter: int) -> str:
    """Return the days that the data are about: 2010-01-01/2010-06-30 up to quarter 2 of ROC year 99."""
    year, last = gregorian_year(plan.year), {1: "03-31", 2: "06-30", 3: "09-30", 4: "12-31"}[quarter]
    return f"{year}-01-01/{year}-{last}"
