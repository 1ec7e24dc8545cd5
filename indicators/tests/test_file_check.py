import io
import random
import re
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator

import pytest

from indicators import file_check
from indicators.file_check import (
    MAX_NAME,
    MAX_SIZE,
    FileProblem,
    FileRefused,
    FileType,
    check_file,
    safe_name,
)
from indicators.wording import FILE_PROBLEMS, file_problem
from objectives.spreadsheets.tables import Column, Kind, Table
from objectives.spreadsheets.writing import FORMATS

ODF = "application/vnd.oasis.opendocument."
OFFICE = "application/vnd.openxmlformats-officedocument."
MAIN = {
    "docx": f"{OFFICE}wordprocessingml.document.main+xml",
    "xlsx": f"{OFFICE}spreadsheetml.sheet.main+xml",
    "pptx": f"{OFFICE}presentationml.presentation.main+xml",
}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
EXE = b"MZ" + bytes(62) + b"PE\0\0" + bytes(64)


def pdf(extra: bytes = b"", *, head: bytes = b"", tail: bytes = b"") -> bytes:
    """`extra` is an object's dictionary."""
    stream = zlib.compress(b"BT (report) Tj ET")
    return (
        b"%PDF-1.7\n" + head + b"1 0 obj\n<</Type/Catalog" + extra + b">>\nendobj\n"
        b"2 0 obj\n<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream\nendobj\n"
        b"trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%%%EOF\n" % (len(stream), stream)
    ) + tail


def object_stream(content: bytes, *, how: bytes = b"", line_end: bytes = b"\n") -> bytes:
    """Objects that are packed, `how` in the words of the stream's dictionary; hexadecimal if it says so."""
    packed = zlib.compress(content)
    if b"ASCIIHex" in how:
        packed = packed.hex().encode() + b">"
    start = b"9 0 obj\n<</Type/ObjStm/N 1/First 4" + how + b">>stream" + line_end
    return pdf(head=start + packed + b"\nendstream\nendobj\n")


def related(kind: str, target: str, mode: str = "External") -> tuple[str, bytes]:
    """A part that has to do with another file."""
    type_ = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"
    inside = f'<Relationship Id="a>b" Type="{type_}" Target="{target}" TargetMode="{mode}"/>'
    return ("word/_rels/settings.xml.rels", f"<Relationships>{inside}</Relationships>".encode())


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*extra: bytes, width: int = 2, height: int = 2, idat: bytes = b"pixels") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", idat) + chunk(b"IEND")


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(*extra: bytes, width: int = 2, height: int = 2, tail: bytes = b"") -> bytes:
    frame = segment(0xC2, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0))
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + b"scan\xff\x00\xff\xd0more"
    app = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    return b"\xff\xd8" + app + b"".join(extra) + frame + scan + scan + b"\xff\xd9" + tail


Part = tuple[str | zipfile.ZipInfo, bytes]


def archive(*parts: Part, comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts:
            stored = name == "mimetype" or content == b""
            info = zipfile.ZipInfo(name) if isinstance(name, str) else name  # without the time of day
            zipped.writestr(info, content, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
        zipped.comment = comment
    return file.getvalue()


def odf(kind: str = "text", *extra: Part, manifest: bytes = b"<manifest/>") -> bytes:
    return archive(
        ("mimetype", (ODF + kind).encode()),
        ("content.xml", b"<content/>"),
        ("META-INF/manifest.xml", manifest),
        *extra,
    )


def types(main: str, extra: str = "", declaration: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return f"""{declaration}<Types><Default Extension="xml" ContentType="application/xml"/>
        <Override PartName="/main.xml" ContentType='{main}'/>{extra}</Types>""".encode()


def ooxml(kind: str = "docx", *extra: Part, content_types: bytes | None = None) -> bytes:
    return archive(
        ("[Content_Types].xml", content_types or types(MAIN[kind])),
        ("_rels/.rels", b"<Relationships/>"),
        ("main.xml", b"<main>" + b"text " * 40 + b"</main>"),
        *extra,
    )


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def patched(data: bytes, *, signature: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite a field of every zip header that has this signature."""
    changed = bytearray(data)
    for found in re.finditer(re.escape(signature), data):
        changed[found.start() + offset : found.start() + offset + len(value)] = value
    return bytes(changed)


def encrypted_zip() -> bytes:
    return patched(ooxml(), signature=b"PK\x01\x02", offset=8, value=b"\x01\x00")


def streamed() -> bytes:
    """Written without seeking back, and so with sizes after each member's bytes and not before."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *args: int) -> int:
            raise io.UnsupportedOperation

        tell = seek

    file = Pipe()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("[Content_Types].xml", types(MAIN["xlsx"]))
        zipped.writestr("_rels/.rels", b"<Relationships/>")
    return file.getvalue()


def overlapping() -> bytes:
    """The directory names the last member's bytes twice."""
    data = ooxml("docx", ("aaaa.xml", b"<a/>"), ("aaab.xml", b"<a/>"))
    offsets = [found.start() for found in re.finditer(b"PK\x03\x04", data)]
    last = [found.start() for found in re.finditer(b"PK\x01\x02", data)][-1]
    return data[: last + 42] + struct.pack("<L", offsets[-2]) + data[last + 46 :]


def lying() -> bytes:
    """A member that says it has 10 bytes and unpacks to 20 MB."""
    data = odf("text", ("big.xml", bytes(20_000_000)))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        found = [each.start() for each in re.finditer(signature, data)][-1]
        data = data[: found + offset] + struct.pack("<L", 10) + data[found + offset + 4 :]
    return data


SAMPLES = {
    "a.pdf": pdf(),
    "a.odt": odf("text"),
    "a.ods": odf("spreadsheet"),
    "a.odp": odf("presentation"),
    "a.odg": odf("graphics"),
    "a.docx": ooxml("docx"),
    "a.xlsx": ooxml("xlsx"),
    "a.pptx": ooxml("pptx"),
    "a.png": png(),
    "a.jpg": jpeg(),
    "a.jpeg": jpeg(),
    "a.csv": "季別,填報值\r\n1,\t5\n".encode(),
}


def check(name: str, data: bytes) -> FileType:
    return check_file(io.BytesIO(data), name, len(data))


def problem(name: str, data: bytes) -> FileProblem:
    with pytest.raises(FileRefused) as refused:
        check(name, data)
    assert file_problem(refused.value)
    return refused.value.problem


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_that_is_what_it_says_is_taken(name: str) -> None:
    extension = name.removeprefix("a.").replace("jpeg", "jpg")
    assert check(name, SAMPLES[name]).extension == extension
    assert check(name.upper(), SAMPLES[name]).extension == extension


ACCEPTED = {
    "a link to a page about JavaScript": ("a.pdf", pdf(b"/A<</S/URI/URI(https://x.tw/JavaScript)>>")),
    "PDF names that only begin alike": ("a.pdf", pdf(b"/JSON 1/LaunchPad 2/EncryptMetadata true")),
    "PDF with packed objects": ("a.pdf", object_stream(b"<</Type/Page>>")),
    "PDF with packed objects, the filter named": (
        "a.pdf",
        object_stream(b"<<>>", how=b"/Filter/FlateDecode"),
    ),
    "a letter's template on its author's machine": (
        "a.docx",
        ooxml("docx", related("attachedTemplate", "file:///C:\\Users\\lin\\外交部.dotm")),
    ),
    "a template by its name": ("a.docx", ooxml("docx", related("attachedTemplate", "外交部.dotm"))),
    "a link": ("a.docx", ooxml("docx", related("hyperlink", "https://www.mofa.gov.tw/"))),
    "PDF whose compressed data happens to read /JS": (
        "a.pdf",
        pdf(head=b"3 0 obj\n<<>>stream\n\x80/JS \x81\nendstream\nendobj\n"),
    ),
    "PNG with a text": ("a.png", png(chunk(b"tEXt", b"Title\0<x:xmpmeta>"))),
    "JPEG with a comment": ("a.jpg", jpeg(segment(0xFE, b"sports day <1>"))),
    "JPEG padded with NUL": ("a.jpg", jpeg(tail=bytes(100))),
    "JPEG with fill bytes": ("a.jpg", jpeg(b"\xff\xff" + segment(0xFE, b"x"))),
    "CSV with BOM": ("a.csv", "\ufeff年,值".encode()),
    "CSV in Big5": ("a.csv", "季別,填報值".encode("cp950")),
    "chart with its workbook": ("a.pptx", ooxml("pptx", ("ppt/embeddings/Sheet1.xlsx", b"PK"))),
    "settings of a printer": ("a.xlsx", ooxml("xlsx", ("xl/printerSettings/printerSettings1.bin", b"x"))),
    "folders in a document": ("a.odt", odf("text", ("Configurations2/menubar/", b""))),
    "written as a stream": ("a.xlsx", streamed()),
    "main type as the default of all XML": (
        "a.docx",
        ooxml(
            content_types=f'<Types><Default Extension="xml" ContentType="{MAIN["docx"]}"/></Types>'.encode()
        ),
    ),
}


@pytest.mark.parametrize("what", ACCEPTED)
def test_what_honest_programs_write_is_taken(what: str) -> None:
    name, data = ACCEPTED[what]
    check(name, data)


REFUSED = {
    FileProblem.NOT_ACCEPTED: {
        "SVG": ("a.svg", b"<svg/>"),
        "HTML": ("a.html", b"<html>"),
        "program": ("a.exe", EXE),
        "two extensions": ("a.pdf.exe", pdf()),
        "zip": ("a.zip", archive(("a", b"a"))),
        "GIF": ("a.gif", b"GIF89a"),
        "NTFS stream": ("a.pdf:b.exe", pdf()),
        "trailing dot": ("a.pdf.", pdf()),
    },
    FileProblem.OLD_OFFICE: {
        "doc": ("a.doc", OLE),
        "xls": ("a.xls", OLE),
        "renamed": ("a.xlsx", OLE),
    },
    FileProblem.MACROS: {
        "xlsm": ("a.xlsm", ooxml("xlsx")),
        "docm": ("a.docm", ooxml()),
        "docm renamed": (
            "a.docx",
            ooxml(content_types=types("application/vnd.ms-word.document.macroEnabled.main+xml")),
        ),
        "VBA": ("a.docx", ooxml("docx", ("word/vbaProject.bin", OLE))),
        "VBA in capitals": ("a.docx", ooxml("docx", ("word/VBAPROJECT.BIN", b"x"))),
        "VBA by its type": (
            "a.docx",
            ooxml(
                content_types=types(
                    MAIN["docx"],
                    '<Default Extension="x" ContentType="application/vnd.ms-office.vbaProject"/>',
                )
            ),
        ),
        "Excel 4 macros": ("a.xlsx", ooxml("xlsx", ("xl/macrosheets/sheet1.xml", b"<a/>"))),
        "Basic": ("a.odt", odf("text", ("Basic/Standard/Module1.xml", b"<a/>"))),
        "Python": ("a.ods", odf("spreadsheet", ("Scripts/python/a.py", b"import os"))),
    },
    FileProblem.EMPTY: {
        "no byte": ("a.pdf", b""),
        "blank CSV": ("a.csv", b"\xef\xbb\xbf \r\n"),
    },
    FileProblem.TOO_LARGE: {"one byte over": ("a.csv", b"1" * (MAX_SIZE + 1))},
    FileProblem.WRONG_CONTENT: {
        "HTML as PDF": ("a.pdf", b"<html>%PDF-1.7"),
        "GIF and PDF": ("a.pdf", b"GIF89a" + pdf()),
        "PNG as JPEG": ("a.jpg", png()),
        "JPEG as PNG": ("a.png", jpeg()),
        "PDF as docx": ("a.docx", pdf()),
        "odt as docx": ("a.docx", odf("text")),
        "docx as odt": ("a.odt", ooxml()),
        "xlsx as docx": ("a.docx", ooxml("xlsx")),
        "ods as odt": ("a.odt", odf("spreadsheet")),
        "template of text": ("a.odt", odf("text-template")),
        "template of Word": (
            "a.docx",
            ooxml(content_types=types(f"{OFFICE}wordprocessingml.template.main+xml")),
        ),
        "two main types": (
            "a.docx",
            ooxml(
                content_types=types(MAIN["docx"], f'<Override PartName="/x" ContentType="{MAIN["xlsx"]}"/>')
            ),
        ),
        "any zip": ("a.docx", archive(("a.txt", b"a"))),
        "mimetype in second place": ("a.odt", archive(("a", b"a"), ("mimetype", f"{ODF}text".encode()))),
        "both ODF and Office": ("a.odt", odf("text", ("[Content_Types].xml", types(MAIN["docx"])))),
        "empty zip": ("a.docx", archive()),
    },
    FileProblem.MALFORMED: {
        "PDF objects packed twice": (
            "a.pdf",
            object_stream(b"<<>>", how=b"/Filter[/ASCIIHexDecode/FlateDecode]"),
        ),
        "PDF objects in hexadecimal": ("a.pdf", object_stream(b"<<>>", how=b"/Filter/#41SCIIHexDecode")),
        "PDF objects with a predictor": (
            "a.pdf",
            object_stream(b"<<>>", how=b"/DecodeParms<</Predictor 12>>"),
        ),
        "PDF objects packed as it says elsewhere": ("a.pdf", object_stream(b"<<>>", how=b"/F#69lter 7 0 R")),
        "PDF objects that are not packed": (
            "a.pdf",
            pdf(head=b"9 0 obj\n<</Type/ObjStm>>stream\n5 0 <<>>\nendstream\nendobj\n"),
        ),
        "PDF cut off": ("a.pdf", pdf()[:-10]),
        "PDF without objects": ("a.pdf", b"%PDF-1.7\n%%EOF"),
        "PDF with a long tail": ("a.pdf", pdf(tail=b"\n" * 2000)),
        "PNG cut off": ("a.png", png()[:-1]),
        "PNG with a wrong checksum": ("a.png", png().replace(b"pixels", b"pixelz")),
        "PNG without pixels": ("a.png", png().replace(chunk(b"IDAT", b"pixels"), b"")),
        "PNG with a chunk before its header": ("a.png", b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt") + png()[8:]),
        "PNG with two headers": ("a.png", png(chunk(b"IHDR", png()[16:29]))),
        "PNG with a chunk beyond its end": ("a.png", png()[:-12] + b"\xff\xff\xff\xffIEND\0\0\0\0"),
        "PNG without area": ("a.png", png(width=0)),
        "JPEG cut off": ("a.jpg", jpeg()[:-2]),
        "JPEG cut off in a segment": ("a.jpg", jpeg()[:12]),
        "JPEG without a picture": ("a.jpg", b"\xff\xd8\xff\xfe\0\2\xff\xd9"),
        "JPEG with stray bytes": ("a.jpg", jpeg(b"stray")),
        "JPEG without area": ("a.jpg", jpeg(height=0)),
        "zip cut off": ("a.docx", ooxml()[:-30]),
        "nothing but a zip's first bytes": ("a.docx", b"PK\x03\x04"),
        "zip with a damaged member": (
            "a.odt",
            odf().replace(b"opendocument.text", b"opendocument.tent"),
        ),
        "path upwards": ("a.docx", ooxml("docx", ("../a.xml", b"<a/>"))),
        "path upwards within": ("a.docx", ooxml("docx", ("word/../../a.xml", b"<a/>"))),
        "absolute path": ("a.docx", ooxml("docx", ("/etc/passwd", b"a"))),
        "drive": ("a.docx", ooxml("docx", ("C:a.xml", b"<a/>"))),
        "backslash": ("a.docx", ooxml("docx", ("word\\a.xml", b"<a/>"))),
        "control character": ("a.docx", ooxml("docx", ("a\n.xml", b"<a/>"))),
        "endless name": ("a.docx", ooxml("docx", ("embeddings/" * 100, b""))),
        "same name twice": ("a.docx", ooxml("docx", ("A.xml", b"<a/>"), ("a.XML", b"<a/>"))),
        "symbolic link": ("a.docx", ooxml("docx", (link("a.xml"), b"/etc/passwd"))),
        "members that overlap": ("a.docx", overlapping()),
        "names that disagree": (
            "a.docx",
            patched(ooxml(), signature=b"PK\x03\x04", offset=30, value=b"x"),
        ),
        "unknown compression": (
            "a.docx",
            patched(ooxml(), signature=b"PK\x01\x02", offset=10, value=b"\x0e"),
        ),
        "comment at the end": ("a.docx", patched(ooxml(), signature=b"PK\x05\x06", offset=20, value=b"\1")),
        "DOCTYPE": ("a.docx", ooxml("docx", ("word/a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'))),
        "DOCTYPE in UTF-16": ("a.docx", ooxml("docx", ("a.xml", "<!DOCTYPE a><a/>".encode("utf-16")))),
        "types in UTF-16": ("a.docx", ooxml(content_types=types(MAIN["docx"]).decode().encode("utf-16"))),
        "types in UTF-7": (
            "a.docx",
            ooxml(content_types=types(MAIN["docx"], declaration="<?xml version='1.0' encoding='utf-7'?>")),
        ),
        "type in character references": (
            "a.docx",
            ooxml(content_types=types(MAIN["docx"], "<Override ContentType='&#109;acroEnabled'/>")),
        ),
        "types without end": (
            "a.docx",
            ooxml(content_types=types(MAIN["docx"]) + random.Random(1).randbytes(2**20)),
        ),
        "packed mimetype": ("a.odt", archive((zipfile.ZipInfo("mimetype"), f"{ODF}text".encode()))),
        "ODF without manifest": (
            "a.odt",
            archive(("mimetype", f"{ODF}text".encode()), ("content.xml", b"<a/>")),
        ),
        "ODF without content": (
            "a.odt",
            archive(("mimetype", f"{ODF}text".encode()), ("META-INF/manifest.xml", b"<a/>")),
        ),
        "a member that is larger than declared": ("a.odt", lying()),
    },
    FileProblem.MIXED: {
        "PDF and zip": ("a.pdf", pdf() + archive(("a", b"a"))),
        "PDF around a zip": ("a.pdf", pdf(head=archive(("a", b"a")))),
        "PDF and HTML": ("a.pdf", pdf(head=b"<script>alert(1)</script>\n")),
        "PDF and page": ("a.pdf", pdf(head=b"<HTML >")),
        "PDF and PHP": ("a.pdf", pdf(tail=b"<?php system(1) ?>")),
        "PNG and more": ("a.png", png() + b"x"),
        "PNG and zip": ("a.png", png() + archive(("a", b"a"))),
        "PNG and script": ("a.png", png(chunk(b"tEXt", b"Comment\0<ScRiPt>alert(1)</script>"))),
        "PNG and PHP in its pixels": ("a.png", png(idat=b"<?php system(1)")),
        "JPEG and more": ("a.jpg", jpeg(tail=b"more")),
        "JPEG and PHP": ("a.jpg", jpeg(segment(0xFE, b"<?php system($_GET[0]);"))),
        "JPEG and script": ("a.jpg", jpeg(segment(0xFE, b"*/=1;/*<script>"))),
        "JPEG and zip": ("a.jpg", jpeg(segment(0xFE, archive(("a", b"a"))))),
        "JPEG and zip at its end": ("a.jpg", jpeg(tail=archive(("a", b"a")))),
        "zip and more": ("a.docx", ooxml() + b"more"),
        "zip and zip": ("a.docx", ooxml() + archive(("a", b"a"))),
        "zip with something before": ("a.docx", b"PK\x03\x04" + bytes(60) + ooxml()),
        "page as CSV": ("a.csv", b"\xef\xbb\xbf\n<!DOCTYPE html><p>"),
        "SVG as CSV": ("a.csv", b" <svg onload=alert(1)>"),
        "XML as CSV": ("a.csv", b"<?xml version='1.0'?>"),
        "script in CSV": ("a.csv", b"a,b\n1,<script>alert(1)</script>"),
        "SVG in CSV": ("a.csv", b'a\n"<svg onload=alert(1)>"'),
        "PDF in CSV": ("a.csv", b"a\n%PDF-1.7\n"),
        "PDF in PNG": ("a.png", png(chunk(b"tEXt", b"a\0" + pdf()))),
        "PDF in JPEG": ("a.jpg", jpeg(segment(0xFE, pdf()))),
        "SVG before the objects of a PDF": ("a.pdf", pdf(head=b"<svg onload=alert(1)>\n")),
        "PHP in CSV": ("a.csv", b"a,<?php system(1)"),
        "shell script as CSV": ("a.csv", b"#!/bin/sh\nrm"),
        "GIF and JS as CSV": ("a.csv", b"GIF89a=1;alert(1)"),
        "RTF as CSV": ("a.csv", b"{\\rtf1}"),
    },
    FileProblem.ENCRYPTED: {
        "PDF": ("a.pdf", pdf(b"/Encrypt 5 0 R")),
        "zip": ("a.docx", encrypted_zip()),
        "ODF": ("a.odt", odf(manifest=b"<manifest:encryption-data/>")),
        "Office": ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le")),
    },
    FileProblem.ACTIVE: {
        "script": ("a.pdf", pdf(b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>")),
        "only /JS": ("a.pdf", pdf(b"/AA<</O<</JS 5 0 R>>>>")),
        "spelt with an escape": ("a.pdf", pdf(b"/OpenAction<</S/Java#53cript>>")),
        "short, spelt with escapes": ("a.pdf", pdf(b"/#4a#53(app.alert(1))")),
        "program": ("a.pdf", pdf(b"/OpenAction<</S/Launch/F(cmd.exe)>>")),
        "attachment": ("a.pdf", pdf(b"/Names<</EmbeddedFiles 5 0 R>>")),
        "attached file": ("a.pdf", pdf(b"/Type/EmbeddedFile")),
        "film": ("a.pdf", pdf(b"/Subtype/RichMedia")),
        "XFA form": ("a.pdf", pdf(b"/AcroForm<</XFA 5 0 R>>")),
        "in packed objects": ("a.pdf", object_stream(b"<</S/JavaScript/JS(app.alert(1))>>")),
        "in packed objects after a lone CR": (
            "a.pdf",
            object_stream(b"<</S/JavaScript/JS(app.alert(1))>>", line_end=b"\r"),
        ),
        "a template from elsewhere": (
            "a.docx",
            ooxml("docx", related("attachedTemplate", "https://evil.example/a.dotm")),
        ),
        "a template from a server": (
            "a.docx",
            ooxml("docx", related("attachedTemplate", "\\\\evil\\a.dotm")),
        ),
        "a template from a server, as an address": (
            "a.docx",
            ooxml("docx", related("attachedTemplate", "file://evil/a.dotm")),
        ),
        "a template spelt otherwise": (
            "a.docx",
            ooxml("docx", related("attached&#84;emplate", "https://evil.example/a.dotm")),
        ),
        "an object from elsewhere": ("a.docx", ooxml("docx", related("oleObject", "http://evil.example/a"))),
        "script of a document": ("a.odt", odf("text", ("x.xml", b'<a href="vnd.sun.star.script:a$b"/>'))),
        "script behind a megabyte": (
            "a.odt",
            odf("text", ("x.xml", random.Random(1).randbytes(1_200_000) + b"vnd.sun.star.script:a")),
        ),
        "behind a stream that is a comment": (
            "a.pdf",
            pdf(head=b"%stream\n3 0 obj<</S/JavaScript>>\n%endstream\n"),
        ),
        "behind a stream without end": ("a.pdf", pdf(tail=b"%stream\n4 0 obj<</JS(1)>>")),
    },
    FileProblem.EMBEDDED: {
        "OLE object": ("a.docx", ooxml("docx", ("word/embeddings/oleObject1.bin", b"x"))),
        "workbook with macros": ("a.pptx", ooxml("pptx", ("ppt/embeddings/a.xlsm", b"PK"))),
        "ActiveX": ("a.docx", ooxml("docx", ("word/activeX/activeX1.bin", b"x"))),
        "OLE under another name": ("a.docx", ooxml("docx", ("word/media/image1.png", OLE))),
        "web page in Office": ("a.docx", ooxml("docx", ("word/afchunk.htm", b"<p>"))),
        "web page in ODF": ("a.odt", odf("text", ("a.html", b"<p>"))),
        "OLE in ODF": ("a.odt", odf("text", ("Object 1", OLE))),
        "program": ("a.odt", odf("text", ("Pictures/a.png", EXE))),
        "program by its name": ("a.odt", odf("text", ("Pictures/a.EXE", b"x"))),
        "Linux program": ("a.docx", ooxml("docx", ("word/a", b"\x7fELF"))),
    },
    FileProblem.TOO_MUCH_INSIDE: {
        "zip bomb": ("a.docx", ooxml("docx", ("a.xml", bytes(8_000_000)))),
        "declared size": (
            "a.docx",
            patched(ooxml(), signature=b"PK\x01\x02", offset=24, value=b"\xff\xff\xff\xff"),
        ),
        "members": ("a.docx", archive(*[(str(number), b"") for number in range(2001)])),
    },
    FileProblem.TOO_MANY_PIXELS: {
        "wide PNG": ("a.png", png(width=65_536)),
        "PNG": ("a.png", png(width=30_000, height=30_000)),
        "JPEG": ("a.jpg", jpeg(width=65_535, height=65_535)),
    },
    FileProblem.NOT_TEXT: {
        "NUL": ("a.csv", b"a\0b"),
        "escape": ("a.csv", b"a\x1b[2Jb"),
        "C1": ("a.csv", "a\u009bb".encode()),
        "UTF-16": ("a.csv", "a,b".encode("utf-16")),
        "neither UTF-8 nor Big5": ("a.csv", b"\xff\xfe\xfa"),
        "zip": ("a.csv", ooxml()),
        "old workbook": ("a.csv", OLE),
    },
}


@pytest.mark.parametrize(
    ("expected", "what"), [(expected, what) for expected, files in REFUSED.items() for what in files]
)
def test_anything_else_is_refused_with_its_reason(expected: FileProblem, what: str) -> None:
    assert problem(*REFUSED[expected][what]) == expected


def test_packed_objects_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_check, "MAX_PDF_OBJECTS", 1000)
    packed = zlib.compress(bytes(5000))
    stream = b"3 0 obj<</Type/ObjStm>>stream\n" + packed + b"endstream\nendobj\n"
    assert problem("a.pdf", pdf(head=stream * 2)) == FileProblem.TOO_MUCH_INSIDE
    assert problem("a.pdf", object_stream(b" " * 1000 + b"<</JS(x)>>")) == FileProblem.TOO_MUCH_INSIDE


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", png()[16:29]) + chunk(b"tEXt") * 20 + chunk(b"IEND")),
        ("a.jpg", jpeg(*[segment(0xFE, b"")] * 20)),
    ],
)
def test_a_picture_of_countless_pieces_is_refused(
    name: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_check, "MAX_PIECES", 10)
    assert problem(name, data) == FileProblem.MALFORMED


class Watched(io.BytesIO):
    """Remembers how much was read, and refuses to be read without a limit."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.asked += size
        return super().read(size)


def test_reading_is_bounded_by_the_size_and_leaves_the_file_at_its_beginning() -> None:
    file = Watched(pdf())
    file.seek(5)
    check_file(file, "a.pdf", len(pdf()))
    assert (file.asked, file.tell()) == (len(pdf()) + 1, 0)


@pytest.mark.parametrize("size", [0, -1, MAX_SIZE + 1])
def test_a_file_of_a_wrong_size_is_not_read_at_all(size: int) -> None:
    file = Watched(pdf())
    with pytest.raises(FileRefused):
        check_file(file, "a.pdf", size)
    assert file.asked == 0


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_file_that_is_not_as_long_as_announced_is_refused(difference: int) -> None:
    with pytest.raises(FileRefused) as refused:
        check_file(io.BytesIO(pdf()), "a.pdf", len(pdf()) + difference)
    assert refused.value.problem == FileProblem.INCOMPLETE


def test_a_member_that_unpacks_to_more_than_it_says_takes_no_memory() -> None:
    data = lying()
    tracemalloc.start()
    assert problem("a.odt", data) == FileProblem.MALFORMED
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def mutations(data: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    """Give the data with bytes changed, cut out, repeated or put in, or with numbers at their limits."""
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 4])):
            here, there = sorted(chance.randrange(len(changed) + 1) for _ in range(2))
            limit = chance.choice([b"\0", b"\1", b"\xff\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
            piece = chance.choice([b"", bytes(changed[here:there]) * 2, chance.randbytes(2), limit, limit])
            changed[here : chance.choice([here, there, here + len(piece), here + len(piece)])] = piece
        yield bytes(changed)


@pytest.mark.parametrize("name", SAMPLES)
def test_whatever_the_bytes_are_the_answer_is_a_type_or_a_refusal(name: str) -> None:
    chance = random.Random(name)
    taken = refused = 0
    for data in mutations(SAMPLES[name], chance, 500):
        file = Watched(data)
        try:
            taken += check_file(file, name, len(data)) in FileType
        except FileRefused as error:
            refused += error.problem in FileProblem
        assert file.asked <= len(data) + 1
    assert taken
    assert refused


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("會議紀錄（1）.DOCX", "會議紀錄（1）.DOCX"),
        ("  photo.jpeg　", "photo.jpeg"),
        ("cafe\u0301.csv", "caf\u00e9.csv"),
        ("\uf98e報.pdf", "年報.pdf"),
        (".hidden.pdf", "hidden.pdf"),
        ("a.b.c.pdf", "a.b.c.pdf"),
        ("\ue000君.pdf", "\ue000君.pdf"),
        ('<b>&".pdf', '<b>&".pdf'),
    ],
)
def test_a_name_is_shown_as_it_was_given_but_for_its_edges(name: str, shown: str) -> None:
    assert safe_name(name) == shown


def test_a_long_name_is_cut_and_keeps_its_extension() -> None:
    name = safe_name("報" * 300 + ".docx")
    assert len(name) == MAX_NAME
    assert name.endswith("報.docx")
    assert safe_name(name) == name
    assert safe_name("報. " * 100 + "x.docx") == ("報. " * 39)[:-2] + ".docx"


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        (
            FileProblem.BAD_NAME,
            [
                "../x.pdf",
                "..\\x.pdf",
                "/etc/x.pdf",
                "C:\\x.pdf",
                "a/b.pdf",
                "a..pdf",
                "x\r\nSet-Cookie: a.pdf",
                "x\0.pdf",
                "x.pdf\n",
                "fdp\u202e.pdf",
                "a\u200b.pdf",
                "a\u2028.pdf",
                "\ud800.pdf",
                "\x7f.pdf",
            ],
        ),
        (FileProblem.NO_EXTENSION, ["", " ", ".", ".pdf", " .pdf", "report", "pdf", ". .pdf"]),
        (FileProblem.NOT_ACCEPTED, ["x.", "x.txt", "x.pdf ．", "x.pdf.svg", "a.b." + "c" * 999]),
    ],
)
def test_a_name_that_could_mislead_is_refused_and_not_mended(expected: FileProblem, names: list[str]) -> None:
    for name in names:
        with pytest.raises(FileRefused) as refused:
            safe_name(name)
        assert (name, refused.value.problem) == (name, expected)
        assert len(file_problem(refused.value)) < 300


def test_a_bad_name_is_refused_whatever_the_content() -> None:
    assert problem("../a.pdf", pdf()) == FileProblem.BAD_NAME


def test_every_problem_has_its_words() -> None:
    assert set(FILE_PROBLEMS) == set(FileProblem)
    assert file_problem(FileRefused(FileProblem.TOO_LARGE, megabytes=20)) == "檔案過大，上限為 20 MB。"


@pytest.mark.parametrize("extension", ["csv", "xlsx", "ods"])
@pytest.mark.parametrize("count", [0, 1, 2_000])
def test_what_the_site_itself_writes_is_taken(extension: str, count: int) -> None:
    columns = [Column("指標", Kind.TEXT, 20, "指標名稱"), Column("數值", Kind.NUMBER, 9, "累計實際值")]
    file = io.BytesIO()
    FORMATS[extension].write(Table("=1+1", columns, [("'=1", 7)] * count), file)
    assert check(f"a.{extension}", file.getvalue()).extension == extension
