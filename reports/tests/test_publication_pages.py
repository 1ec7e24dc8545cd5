"""The pages of published reports: publishing, the files byte for byte, and verifying one."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from urllib.parse import parse_qs, urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile

from indicators import locks
from ledger.models import Action, Entry
from mofa_kpi.tests.cast import NOW
from objectives.models import Plan
from objectives.tests.pages import signed_in, text
from reports.models import Publication, PublishedFile
from reports.publishing import publish

from .markup import markup

NEW = "/published/new/?year=99&quarter=2"


# -- Publishing --------------------------------------------------------------------------------------------


def test_the_preview_says_what_it_would_be_and_then_it_is_published(quick, plan, reviewer):
    client = signed_in(reviewer)
    words = text(client.get(NEW))
    assert "99 年度第 2 季季報" in words
    assert "MOFA-99-Q2-1" in words
    done = client.post(NEW, {"version": 1}, follow=True)
    assert done.redirect_chain == [("/published/MOFA-99-Q2-1/", 302)]
    assert "已發布，編號 MOFA-99-Q2-1。" in text(done)


def test_a_quarter_that_is_not_over_is_not_offered(quick, plan, reviewer):
    Plan.objects.update(year=988)
    page = signed_in(reviewer).get("/published/new/?year=988&quarter=4")
    assert "自 989 年 1 月 1 日起" in text(page)
    assert b"publish_form" not in page.content


def test_a_form_that_is_sent_twice_publishes_once(quick, plan, reviewer):
    client = signed_in(reviewer)
    client.post(NEW, {"version": 1})
    again = client.post(NEW, {"version": 1, "reason": "x"})
    assert "期間已有他人發布，下一版為第 2 版" in text(again)
    assert b'name="version" value="2"' in again.content
    assert Publication.objects.count() == 1


def test_what_cannot_be_read_of_the_form_is_no_error_of_the_server(quick, plan, reviewer):
    client = signed_in(reviewer)
    for wrong in ({}, {"version": "x"}, {"version": "9" * 30}, {"version": 1, "reason": "\0"}):
        assert client.post(NEW, wrong).status_code == 200, wrong
    assert not Publication.objects.exists()


def test_whoever_may_not_publish_finds_no_way_to_it(published, manager, stranger):
    done = published()
    client = signed_in(manager)
    for address in ("/published/", f"/published/{done.number}/"):
        page = client.get(address)
        assert done.number in text(page)
        assert not [link for link in markup(page).links if "/published/new/" in link]
    assert client.get(NEW).status_code == client.post(NEW, {"version": 1}).status_code == 403
    far = signed_in(stranger)
    assert done.number not in text(far.get("/published/"))
    for address in (NEW, f"/published/{done.number}/", f"/published/{done.number}.pdf"):
        assert far.get(address).status_code == 404


# -- The list, a publication, its files --------------------------------------------------------------------


def test_an_older_version_says_that_it_was_corrected(published, manager, django_assert_max_num_queries):
    old, new = published(), published(reason="第 2 季誤植")
    client = signed_in(manager)
    page = client.get(f"/published/{old.number}/")
    assert "本報告已有勘誤版。 MOFA-99-Q2-2" in text(page)
    assert "第 2 季誤植" in text(page)
    [moment] = [link for link in markup(page).links if link.startswith("/?")]
    assert client.get(moment).status_code == 200
    assert parse_qs(urlsplit(moment).query)["quarter"] == ["2"]
    assert "勘誤版" not in text(client.get(f"/published/{new.number}/")).replace("發布勘誤版", "")
    for each in range(3, 6):
        published(reason=str(each))
    published(3)
    with django_assert_max_num_queries(14):
        listed = client.get("/published/")
    words = text(listed)
    assert words.count("現行版") == 2
    assert words.index("99 年度第 3 季季報") < words.index("99 年度第 2 季季報")
    assert all(file.sha256 in words for file in PublishedFile.objects.defer("content"))


def test_a_file_comes_byte_for_byte_with_its_hash_and_the_ledger_knows(published, manager):
    done = published()
    published(reason="x")
    client = signed_in(manager)
    for file in done.files.all():
        address = f"/published/{done.number}.{file.format}"
        response = client.get(address)
        assert response.content == bytes(file.content)
        assert response["ETag"] == f'"{file.sha256}"'
        told = response["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":")
        assert base64.b64decode(told) == hashlib.sha256(response.content).digest()
        assert f'filename="{file.name}"' in response["Content-Disposition"]
        entry = Entry.objects.filter(action=Action.EXPORT).latest("seq")
        assert (entry.actor, entry.key, entry.new["sha256"]) == ("manager", str(done.pk), file.sha256)
        assert client.get(address, headers={"If-None-Match": response["ETag"]}).status_code == 304
    for wrong in (f"{done.number}.ods", "MOFA-99-Q9-1.pdf", "x%00y.pdf", "x%00y/"):
        assert client.get(f"/published/{wrong}").status_code == 404, wrong


def test_an_altered_file_is_refused_in_words_and_the_ledger_is_told(published, manager, caplog):
    done = published()
    with locks.dismantled():
        PublishedFile.objects.filter(format="pdf").update(content=b"forged")
    client = signed_in(manager)
    response = client.get(f"/published/{done.number}.pdf")
    assert response.status_code == 500
    assert "MOFA-99-Q2-1 之儲存內容與發布時不符" in text(response)
    assert b"forged" not in response.content
    entry = Entry.objects.filter(action=Action.REFUSED).latest("seq")
    assert (entry.actor, entry.table, entry.key) == ("manager", "reports_publication", str(done.pk))
    assert "MOFA-99-Q2-1.pdf" in entry.reason
    assert "MOFA-99-Q2-1.pdf" in caplog.text
    verified = client.post("/verify/", {"sha256": done.files.get(format="pdf").sha256})
    assert "無法查驗" in text(verified)
    assert Entry.objects.filter(action=Action.REFUSED).count() == 2
    assert client.get(f"/published/{done.number}.odt").status_code == 200


def test_a_number_may_have_whatever_an_agencys_code_has(quick, plan, reviewer, manager):
    plan.unit.code = "外交/司.x ?"
    plan.unit.save()
    number = publish(plan=plan, quarter=1, by=reviewer, now=NOW).number
    client = signed_in(manager)
    listed = markup(client.get("/published/")).links
    mine = [link for link in listed if "Q1-1" in link]
    assert len(mine) == 3
    assert [client.get(link).status_code for link in mine] == [200, 200, 200], number


def test_its_history_tells_who_published_what_and_why(published, manager):
    published()
    done = published(reason="第 2 季誤植")
    words = text(signed_in(manager).get(f"/history/reports.publication/{done.pk}/"))
    assert "發布 已發布報告" in words
    assert "新增 已發布報告檔案 MOFA-99-Q2-2.pdf" in words
    assert words.count("第 2 季誤植") == 1
    assert done.files.get(format="odt").sha256 in words
    plan = text(signed_in(manager).get(f"/history/objectives.plan/{done.plan_id}/"))
    assert "發布 已發布報告 MOFA-99-Q2-2" in plan


def test_the_list_is_a_dataset(published, manager, stranger):
    old, new = published(), published(reason="誤植")
    rows = list(
        csv.reader(
            io.StringIO(signed_in(manager).get("/export/publications.csv").content.decode("utf-8-sig"))
        )
    )
    header, *found = rows
    assert [row[header.index("發布編號")] for row in found] == [old.number] * 2 + [new.number] * 2
    assert {row[header.index("現行版發布編號")] for row in found} == {new.number}
    hashes = [row[header.index("SHA-256")] for row in found]
    assert hashes == [file.sha256 for each in (old, new) for file in each.files.all()]
    assert "MOFA" not in signed_in(stranger).get("/export/publications.csv").content.decode()


# -- Verifying ---------------------------------------------------------------------------------------------


def test_a_file_or_its_hash_is_verified_by_everybody_with_a_role(published, planner, stranger):
    done = published()
    pdf = done.files.get(format="pdf")
    content = bytes(pdf.content)
    mine, far = signed_in(planner), signed_in(stranger)
    for asked in (
        lambda: {"file": SimpleUploadedFile("任意.pdf", content)},
        lambda: {"sha256": pdf.sha256},
        lambda: {"sha256": f" {pdf.sha256.upper()}  report.pdf\n"},
        lambda: {"sha256": " ".join(pdf.sha256[at : at + 2] for at in range(0, 64, 2))},
    ):
        words = text(mine.post("/verify/", asked()))
        assert "本檔案確為已發布之 MOFA-99-Q2-1" in words
        assert "99 年度第 2 季季報 · 第 1 版 · PDF" in words
        assert "本版為現行版。" in words
    assert f"/published/{done.number}/" in markup(mine.post("/verify/", {"sha256": pdf.sha256})).links
    published(reason="數值誤植")
    told = far.post("/verify/", {"sha256": pdf.sha256})
    assert "本報告已有勘誤版。 MOFA-99-Q2-2" in text(told)
    assert "數值誤植" in text(told)
    assert f"/published/{done.number}/" not in markup(told).links


def test_what_was_not_published_is_not_verified(published, planner, settings):
    published()
    client = signed_in(planner)
    content = bytes(PublishedFile.objects.get(format="odt").content)
    for other in (content + b"\n", b""):
        words = text(client.post("/verify/", {"file": SimpleUploadedFile("x.odt", other)}))
        assert "查無此 SHA-256 之已發布報告" in words
        assert hashlib.sha256(other).hexdigest() in words
    for asked, problem in (
        ({}, "擇一為之"),
        ({"file": SimpleUploadedFile("x.odt", content), "sha256": "0" * 64}, "擇一為之"),
        ({"sha256": "abc"}, "此非 SHA-256"),
        ({"sha256": "\0" * 64}, "null"),
        ({"sha256": "x" * 1001}, "此非 SHA-256"),
    ):
        assert problem in text(client.post("/verify/", asked)), asked
    settings.UPLOAD_MAX_SIZE = 100
    response = client.post("/verify/", {"file": SimpleUploadedFile("x.odt", content)})
    assert response.status_code == 413
    assert "檔案遠逾可查驗之" in text(response)


def test_verifying_writes_nothing(published, planner, outsider):
    pdf = published().files.get(format="pdf")
    client = signed_in(planner)
    before = Entry.objects.head()
    client.post("/verify/", {"file": SimpleUploadedFile("x.pdf", bytes(pdf.content))})
    assert Entry.objects.head() == before
    assert signed_in(outsider).get("/verify/").status_code == 403


def test_the_pages_speak_english_too(published, reviewer):
    published()
    client = signed_in(reviewer)
    client.cookies["django_language"] = "en"
    for address, said in {
        "/published/": "Published reports",
        "/published/MOFA-99-Q2-1/": "Quarterly report of ROC year 99, quarter 2",
        NEW: "Publish the correction",
        "/verify/": "Verify a file",
    }.items():
        words = text(client.get(address))
        assert said in words
        assert not {"版次", "查驗", "發布"}.intersection(words.split()), address
