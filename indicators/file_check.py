"""Whether an uploaded file is what its name says, judged by its bytes.

No picture is decoded, no XML parsed, no script or macro run. A file is taken only where the whole of it is
of the one type that its extension names; whatever could also be read as something else is refused.
"""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from enum import Enum
from typing import BinaryIO, NamedTuple

MEGABYTE = 1024 * 1024
MAX_SIZE = 20 * MEGABYTE
MAX_NAME = 120

# What a JPEG can have; long screenshots have more than half of it. A large plan (A0) scanned at 300 dots per
# inch has 140 million pixels.
MAX_SIDE = 65_535
MAX_PIXELS = 200_000_000
MAX_PIECES = 100_000  # chunks of a PNG, segments of a JPEG

MAX_MEMBERS = 2_000
MAX_MEMBER_NAME = 255
MAX_UNPACKED = 200 * MEGABYTE
MAX_RATIO = 200  # honest documents stay below 100
MAX_XML = MEGABYTE
MAX_PDF_OBJECTS = 64 * MEGABYTE
STEP = 64 * 1024


class FileType(Enum):
    """A type of file that is accepted: its usual extension, its media type, and how its bytes begin."""

    PDF = "pdf", "application/pdf", b"%PDF-"
    ODT = "odt", "application/vnd.oasis.opendocument.text", b"PK\x03\x04"
    ODS = "ods", "application/vnd.oasis.opendocument.spreadsheet", b"PK\x03\x04"
    ODP = "odp", "application/vnd.oasis.opendocument.presentation", b"PK\x03\x04"
    ODG = "odg", "application/vnd.oasis.opendocument.graphics", b"PK\x03\x04"
    DOCX = "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04"
    XLSX = "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"
    PPTX = "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", b"PK\x03\x04"
    PNG = "png", "image/png", b"\x89PNG\r\n\x1a\n"
    JPEG = "jpg", "image/jpeg", b"\xff\xd8\xff"
    CSV = "csv", "text/csv", b""

    def __init__(self, extension: str, content_type: str, signature: bytes) -> None:
        self.extension = extension
        self.content_type = content_type
        self.signature = signature


class FileProblem(Enum):
    """Why a file is refused."""

    BAD_NAME = "BAD_NAME"
    NO_EXTENSION = "NO_EXTENSION"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    OLD_OFFICE = "OLD_OFFICE"
    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    INCOMPLETE = "INCOMPLETE"
    WRONG_CONTENT = "WRONG_CONTENT"
    MALFORMED = "MALFORMED"
    MIXED = "MIXED"
    ENCRYPTED = "ENCRYPTED"
    MACROS = "MACROS"
    ACTIVE = "ACTIVE"
    EMBEDDED = "EMBEDDED"
    TOO_MUCH_INSIDE = "TOO_MUCH_INSIDE"
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    NOT_TEXT = "NOT_TEXT"


class FileRefused(ValueError):
    """A file was refused: `problem` says why.

    `details` has the `extension` for NOT_ACCEPTED and WRONG_CONTENT, the limit in `megabytes` for TOO_LARGE,
    and nothing for the others.
    """

    def __init__(self, problem: FileProblem, **details: object) -> None:
        super().__init__(problem, details)
        self.problem = problem
        self.details = details


TYPES = {kind.extension: kind for kind in FileType} | {"jpeg": FileType.JPEG}
MACRO_EXTENSIONS = {"docm", "dotm", "xlsm", "xltm", "xlsb", "xlam", "pptm", "potm", "ppsm", "ppam"}
OLD_EXTENSIONS = {"doc", "dot", "xls", "xlt", "ppt", "pps", "pot"}

# Control, format (bidi and zero-width among them), surrogates, line and paragraph separators. Private use is
# allowed: the names of people and places have self-made characters (造字).
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}

EDGES = ". \u3000"  # not at the beginning of a name, nor before its extension

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

# Long enough not to turn up by chance in 20 MB of compressed data.
SCRIPT = re.compile(rb"<(?:script|\?php\s|!doctype|html[\s>]|iframe|svg[\s>])", re.IGNORECASE)
DOCUMENT = re.compile(rb"%PDF-[12]\.|%!PS-Adobe|\{\\rtf1")
ZIP = re.compile(rb"PK(?:\x03\x04[\x00-\x3f]\x00|\x05\x06\x00\x00\x00\x00)")


def check_file(file: BinaryIO, name: str, size: int) -> FileType:
    """Return the type of an uploaded file of `size` bytes, which both its name and its content have.

    The file is read once, at most one byte more than `size`, and left at its beginning. Raises FileRefused,
    whatever the bytes are; see `safe_name` for the names that are refused.
    """
    kind = _named_type(safe_name(name))
    data = _whole(file, size)
    if not data.startswith(kind.signature):
        raise _mismatch(data, kind)
    try:
        _check_content(data, kind)
    except (struct.error, zlib.error) as error:
        raise FileRefused(FileProblem.MALFORMED) from error
    return kind


def safe_name(name: str) -> str:
    """Return a file's name as it may be shown and offered for a download.

    It is NFC, without spaces around it or dots before it, and cut to 120 characters with its extension kept.
    A name with a slash of either kind, `..`, or a control, bidi or other invisible character is refused and
    not mended: nobody has such a name by accident, and what is left of it would be a guess. So is a name
    without an accepted extension. Raises FileRefused.
    """
    text = unicodedata.normalize("NFC", name)
    if ".." in text or any(c in "/\\" or unicodedata.category(c) in INVISIBLE for c in text):
        raise FileRefused(FileProblem.BAD_NAME)
    text = text.strip().lstrip(EDGES)
    _named_type(text)
    stem, _, extension = text.rpartition(".")
    return f"{stem[: MAX_NAME - len(extension) - 1].rstrip(EDGES)}.{extension}"


def _named_type(name: str) -> FileType:
    stem, _, extension = name.rpartition(".")
    extension = extension.lower()
    if not stem.strip():
        raise FileRefused(FileProblem.NO_EXTENSION)
    if extension in MACRO_EXTENSIONS:
        raise FileRefused(FileProblem.MACROS)
    if extension in OLD_EXTENSIONS:
        raise FileRefused(FileProblem.OLD_OFFICE)
    if extension not in TYPES:
        raise FileRefused(FileProblem.NOT_ACCEPTED, extension=extension[:20])
    return TYPES[extension]


def _whole(file: BinaryIO, size: int) -> bytes:
    if size <= 0:
        raise FileRefused(FileProblem.EMPTY)
    if size > MAX_SIZE:
        raise FileRefused(FileProblem.TOO_LARGE, megabytes=MAX_SIZE // MEGABYTE)
    file.seek(0)
    data = file.read(size + 1)
    file.seek(0)
    if len(data) != size:
        raise FileRefused(FileProblem.INCOMPLETE)
    return data


def _mismatch(data: bytes, kind: FileType) -> FileRefused:
    """Say what is in a file that does not begin as its name says: a password makes .docx an OLE file."""
    if data.startswith(OLE):
        encrypted = OLE_ENCRYPTED in data
        return FileRefused(FileProblem.ENCRYPTED if encrypted else FileProblem.OLD_OFFICE)
    return _wrong_content(kind)


def _wrong_content(kind: FileType) -> FileRefused:
    return FileRefused(FileProblem.WRONG_CONTENT, extension=kind.extension)


def _check_content(data: bytes, kind: FileType) -> None:
    match kind:
        case FileType.PDF:
            _check_pdf(data)
        case FileType.PNG:
            _check_png(data)
        case FileType.JPEG:
            _check_jpeg(data)
        case FileType.CSV:
            _check_csv(data)
        case FileType.ODT | FileType.ODS | FileType.ODP | FileType.ODG:
            _check_odf(data, kind)
        case FileType.DOCX | FileType.XLSX | FileType.PPTX:
            _check_ooxml(data, kind)


def _require(condition: object, problem: FileProblem = FileProblem.MALFORMED) -> None:
    if not condition:
        raise FileRefused(problem)


# PDF


def _pdf_name(*names: str) -> re.Pattern[bytes]:
    """Match one of these names of a PDF however it is spelt: /#4A#53 is /JS."""
    spelt = ["".join(f"(?:{letter}|#(?i:{ord(letter):x}))" for letter in name) for name in names]
    initials = "".join(name[0] for name in names)  # most slashes are soon done with
    return re.compile(f"/(?=[{initials}#])(?:{'|'.join(spelt)})(?![A-Za-z0-9])".encode())


FIRST_OBJECT = re.compile(rb"\d\s+obj\b")
STREAM = re.compile(rb"stream(?<!endstream)(?:\r\n?|\n)")
LINK = re.compile(rb"/URI\s*\([^()\r\n]*\)")  # its address may well be …/JavaScript
OBJECT_STREAM = _pdf_name("ObjStm")
# Objects are packed by deflation alone, said in the place itself; in any other way nobody packs them who does
# not want to hide them.
REPACKED = _pdf_name(
    "ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "RunLengthDecode", "Crypt", "AHx", "A85", "Predictor"
)
FILTER_ELSEWHERE = re.compile(_pdf_name("Filter").pattern + rb"(?:\s|%[^\r\n]*)*[\[\s]*\d")
ENCRYPT = _pdf_name("Encrypt")

# Looked for in the whole file, so that no comment can pass it off as part of a stream. The short names would
# turn up by chance in compressed data and are looked for outside of it.
ACTIVE = _pdf_name(
    "JavaScript",
    "Launch",
    "EmbeddedFile",
    "EmbeddedFiles",
    "FileAttachment",
    "RichMedia",
    "Rendition",
    "ImportData",
)
ACTIVE_SHORT = _pdf_name("JS", "XFA")


def _check_pdf(data: bytes) -> None:
    first = FIRST_OBJECT.search(data)
    end = data.rfind(b"%%EOF", -1024)
    if first is None or end < 0:
        raise FileRefused(FileProblem.MALFORMED)
    around = data[: first.start()] + data[end:]
    _require(not SCRIPT.search(around) and not ZIP.search(data), FileProblem.MIXED)
    _require(not ACTIVE.search(LINK.sub(b"", data)), FileProblem.ACTIVE)
    for objects in _pdf_objects(data):
        _require(not ENCRYPT.search(objects), FileProblem.ENCRYPTED)
        _require(not ACTIVE.search(objects) and not ACTIVE_SHORT.search(objects), FileProblem.ACTIVE)


def _pdf_objects(data: bytes) -> Iterator[bytes]:
    """Give what is outside of streams, and what the streams hold that are packed objects; no links."""
    here, budget = 0, MAX_PDF_OBJECTS
    while stream := STREAM.search(data, here):
        outside = data[here : stream.start()]
        yield LINK.sub(b"", outside)
        end = data.find(b"endstream", stream.end())
        if end < 0:
            break
        if OBJECT_STREAM.search(outside):
            _require(not REPACKED.search(outside) and not FILTER_ELSEWHERE.search(outside))
            objects = _inflated(data[stream.end() : end], budget)
            budget -= len(objects)
            yield LINK.sub(b"", objects)
        here = end + len(b"endstream")
    yield LINK.sub(b"", data[here:])


def _inflated(packed: bytes, limit: int) -> bytes:
    """Inflate all of it. Raises FileRefused where that is more than limit, zlib.error where it is broken."""
    inflater = zlib.decompressobj()
    objects = inflater.decompress(packed, limit + 1)
    _require(len(objects) <= limit, FileProblem.TOO_MUCH_INSIDE)
    _require(inflater.eof)
    return objects


# Pictures

HEADER = struct.Struct(">II")
JPEG_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd8\xff])")
JPEG_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
JPEG_END, JPEG_SCAN = 0xD9, 0xDA
JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _check_png(data: bytes) -> None:
    names: list[bytes] = []
    here = len(FileType.PNG.signature)
    while b"IEND" not in names[-1:]:
        _require(len(names) < MAX_PIECES)
        name, body, here = _png_chunk(data, here)
        names.append(name)
        if name == b"IHDR":
            _require(len(body) == 13)
            _check_pixels(*HEADER.unpack_from(body))
    _require(names[0] == b"IHDR" and names.count(b"IHDR") == 1 and b"IDAT" in names and not body)
    _check_nothing_else(data, here)


def _png_chunk(data: bytes, here: int) -> tuple[bytes, bytes, int]:
    """Return a chunk's name, its body and where the next one begins."""
    length, _ = HEADER.unpack_from(data, here)
    end = here + HEADER.size + length
    name = data[here + 4 : here + 8]
    (checksum,) = struct.unpack_from(">I", data, end)
    _require(name.isalpha() and zlib.crc32(data[here + 4 : end]) == checksum)
    return name, data[here + 8 : end], end + 4


def _check_jpeg(data: bytes) -> None:
    markers: list[int] = []
    here = len(b"\xff\xd8")
    while JPEG_END not in markers[-1:]:
        _require(len(markers) < MAX_PIECES)
        marker, here = _jpeg_segment(data, here)
        markers.append(marker)
    _require(JPEG_SCAN in markers and not JPEG_FRAMES.isdisjoint(markers[: markers.index(JPEG_SCAN)]))
    _check_nothing_else(data.rstrip(b"\0"), here)


def _jpeg_segment(data: bytes, here: int) -> tuple[int, int]:
    """Return a segment's marker and where the next one begins, after the scan that may follow."""
    match = JPEG_MARKER.match(data, here)
    if match is None:
        raise FileRefused(FileProblem.MALFORMED)
    marker, here = match[1][0], match.end()
    if marker == JPEG_END:
        return marker, here
    (length,) = struct.unpack_from(">H", data, here)
    _require(length >= 2)
    if marker in JPEG_FRAMES:
        height, width = struct.unpack_from(">HH", data, here + 3)
        _check_pixels(width, height)
    here += length
    return marker, _scan_end(data, here) if marker == JPEG_SCAN else here


def _scan_end(data: bytes, here: int) -> int:
    match = JPEG_SCAN_END.search(data, here)
    if match is None:
        raise FileRefused(FileProblem.MALFORMED)
    return match.start()


def _check_pixels(width: int, height: int) -> None:
    _require(width > 0 and height > 0)
    small = max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS
    _require(small, FileProblem.TOO_MANY_PIXELS)


def _check_nothing_else(data: bytes, end: int) -> None:
    """Refuse a picture with something after its end, or with a program or document in its comments."""
    inside = SCRIPT.search(data) or DOCUMENT.search(data) or ZIP.search(data)
    _require(len(data) <= end and not inside, FileProblem.MIXED)


# CSV

NOT_CSV = (b"<", b"#!", b"GIF8", b"%PDF-", b"%!PS", b"{\\rtf")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _check_csv(data: bytes) -> None:
    text = _text(data)
    _require(not CONTROL.search(text), FileProblem.NOT_TEXT)
    _require(text.strip(), FileProblem.EMPTY)
    begins = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    inside = SCRIPT.search(data) or DOCUMENT.search(data)
    _require(not begins.startswith(NOT_CSV) and not inside, FileProblem.MIXED)


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp950"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileRefused(FileProblem.NOT_TEXT)


# Zip archives: ODF and Office Open XML. Read here and not with zipfile, which takes a directory, headers and
# a beginning that disagree, as those who made two readers see two different files would have it.

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
STORED, DEFLATED = 0, 8
ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000
REGULAR_MODES = {0, 0o100000, 0o040000}

UNSAFE_NAME = re.compile(rb"[\x00-\x1f\x7f\\]|^[A-Za-z]:|^/|//|(?:^|/)\.{1,2}(?:/|$)")
MACRO_NAME = re.compile(rb"(?:^|/)(?:vbaproject[^/]*$|vbadata\.xml$|(?:macrosheets|basic|scripts)/)")
EMBEDDED_NAME = re.compile(
    rb"(?:^|/)(?:embeddings/.*(?<!\.docx)(?<!\.xlsx)(?<!\.pptx)(?<!/)|activex/.*\.bin"
    rb"|[^/]*\.(?:exe|dll|com|scr|msi|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|lnk|jar|class|dex|sh|html?|xhtml|mht|mhtml))$"
)
ELF = b"\x7fELF"

DOCTYPE = re.compile(rb"<!DOCTYPE")  # which may define entities
SCRIPT_LINK = re.compile(rb"vnd\.sun\.star\.script:")
LOADED = re.compile(rb"relationships/(?:attachedTemplate|frame|subDocument|oleObject|aFChunk)|&#")
ELSEWHERE = re.compile(rb"\sTargetMode\s*=\s*[\"']External")
ON_THIS_MACHINE = re.compile(rb"\sTarget\s*=\s*[\"'](?:(?:file:///)?[A-Za-z]:|(?![/\\]))[^:&\"']*[\"']")
OVERLAP = 64  # longer than what is looked for
DECLARED_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
CONTENT_TYPE = re.compile(rb"ContentType\s*=\s*[\"']([^\"']*)")
MACRO_TYPE = re.compile(rb"macroenabled|macrosheet|vbaproject")


class Member(NamedTuple):
    """A member of an archive as the central directory has it; sizes in bytes, `header` is an offset."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    unpacked: int
    mode: int
    header: int


def _check_odf(data: bytes, kind: FileType) -> None:
    members = _members(data)
    names = _checked_members(data, members)
    first = min(members, key=lambda member: member.header)
    if first.name != b"mimetype" or b"[content_types].xml" in names:
        raise _wrong_content(kind)
    _require(first.method == STORED)
    if _content(data, first) != kind.content_type.encode():
        raise _wrong_content(kind)
    manifest = _xml(data, names.get(b"meta-inf/manifest.xml"))
    _require(b"encryption-data" not in manifest, FileProblem.ENCRYPTED)
    _require(b"content.xml" in names)


def _check_ooxml(data: bytes, kind: FileType) -> None:
    names = _checked_members(data, _members(data))
    if not {b"[content_types].xml", b"_rels/.rels"} <= set(names):
        raise _wrong_content(kind)
    xml = _xml(data, names[b"[content_types].xml"])
    _require(b"&#" not in xml)  # a type spelt in character references would not be seen here
    types = {found.lower() for found in CONTENT_TYPE.findall(xml)}
    _require(not any(MACRO_TYPE.search(each) for each in types), FileProblem.MACROS)
    if {each for each in types if each.endswith(b".main+xml")} != {f"{kind.content_type}.main+xml".encode()}:
        raise _wrong_content(kind)


def _members(data: bytes) -> list[Member]:
    """Read the central directory, which has to end the file."""
    count, here = _directory(data)
    members = []
    for _ in range(count):
        member, here = _member(data, here)
        members.append(member)
    _require(members and here == len(data) - END.size)
    return members


def _directory(data: bytes) -> tuple[int, int]:
    """Return how many entries the central directory has, and where it begins."""
    signature, disk, start_disk, count_here, count, size, start, comment = END.unpack_from(
        data, len(data) - END.size
    )
    if signature != b"PK\x05\x06":
        raise FileRefused(FileProblem.MIXED if b"PK\x05\x06" in data else FileProblem.MALFORMED)
    _require(disk == start_disk == 0 and count_here == count and not comment)
    _require(count <= MAX_MEMBERS, FileProblem.TOO_MUCH_INSIDE)
    _require(start + size == len(data) - END.size, FileProblem.MIXED)
    return count, start


def _member(data: bytes, here: int) -> tuple[Member, int]:
    """Return a member and where the directory's next entry begins."""
    entry = CENTRAL.unpack_from(data, here)
    signature, _, _, flags, method, _, _, checksum, packed, unpacked = entry[:10]
    name_length, extra_length, comment_length, _, _, attributes, header = entry[10:]
    _require(signature == b"PK\x01\x02")
    start = here + CENTRAL.size
    name = data[start : start + name_length]
    mode = attributes >> 16 & 0o170000
    member = Member(name, flags, method, checksum, packed, unpacked, mode, header)
    return member, start + name_length + extra_length + comment_length


def _checked_members(data: bytes, members: list[Member]) -> dict[bytes, Member]:
    """Return the members by their names in lower case, after looking into each of them."""
    unpacked = sum(member.unpacked for member in members)
    _require(unpacked <= min(MAX_UNPACKED, MAX_RATIO * len(data)), FileProblem.TOO_MUCH_INSIDE)
    names = {member.name.lower(): member for member in members}
    _require(len(names) == len(members))
    for member in members:
        _check_entry(member)
    _check_layout(data, members)
    for name, member in names.items():
        _check_member(name, _content(data, member))
    return names


def _check_entry(member: Member) -> None:
    _require(not member.flags & ENCRYPTED_FLAGS, FileProblem.ENCRYPTED)
    _require(member.method in (STORED, DEFLATED) and member.mode in REGULAR_MODES)
    _require(0 < len(member.name) <= MAX_MEMBER_NAME and not UNSAFE_NAME.search(member.name))


def _check_layout(data: bytes, members: list[Member]) -> None:
    """Refuse anything before the first member, and members that overlap."""
    end = 0
    for member in sorted(members, key=lambda member: member.header):
        _require(end or member.header == 0, FileProblem.MIXED)
        _require(member.header >= end)
        end = _start(data, member) + member.packed
    _require(end <= _directory(data)[1])


def _start(data: bytes, member: Member) -> int:
    """Return where a member's bytes begin, after its own header, which has to agree with the directory."""
    signature, _, flags, method, _, _, _, _, _, name_length, extra_length = LOCAL.unpack_from(
        data, member.header
    )
    start = member.header + LOCAL.size
    same = (flags & ENCRYPTED_FLAGS, method) == (0, member.method)
    _require(signature == b"PK\x03\x04" and same and data[start : start + name_length] == member.name)
    return start + name_length + extra_length


def _content(data: bytes, member: Member) -> bytes:
    """Unpack a member whole, to see that size and checksum are as declared, and return its first 1 MB."""
    size = checksum = 0
    kept = []
    seen = b""
    is_xml = member.name.lower().endswith((b".xml", b".rels"))
    for piece in _unpacked(data, member):
        if is_xml:
            seen = seen[-OVERLAP:] + piece.replace(b"\0", b"")  # without NUL, UTF-16 reads like ASCII
            _require(not DOCTYPE.search(seen))
            _require(not SCRIPT_LINK.search(seen), FileProblem.ACTIVE)
        if size < MAX_XML:
            kept.append(piece)
        size += len(piece)
        checksum = zlib.crc32(piece, checksum)
        _require(size <= member.unpacked)
    _require((size, checksum) == (member.unpacked, member.checksum))
    return b"".join(kept)[:MAX_XML]


def _unpacked(data: bytes, member: Member) -> Iterator[bytes]:
    """Unpack a member piece by piece, of which none is larger than STEP."""
    start = _start(data, member)
    end = start + member.packed
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for here in range(start, end, STEP):
        piece = data[here : min(here + STEP, end)]
        if member.method == STORED:
            yield piece
        else:
            while piece:
                yield inflater.decompress(piece, STEP)
                piece = inflater.unconsumed_tail
    yield inflater.flush()
    _require(member.method == STORED or (inflater.eof and not inflater.unused_data))


def _check_member(name: bytes, content: bytes) -> None:
    """Refuse macros, embedded programs and what loads something from elsewhere as the document opens."""
    _require(not MACRO_NAME.search(name), FileProblem.MACROS)
    program = content.startswith((OLE, ELF)) or (content.startswith(b"MZ") and b"PE\0\0" in content)
    _require(not EMBEDDED_NAME.search(name) and not program, FileProblem.EMBEDDED)
    if name.endswith(b".rels"):
        _require(len(content) < MAX_XML)
        _require(not any(map(_loads, content.replace(b"\0", b"").split(b"<"))), FileProblem.ACTIVE)


def _loads(relationship: bytes) -> bool:
    """Say whether a part of the document comes from elsewhere as it opens.

    A template's path on its author's machine is what Word leaves in many a letter, and harmless.
    """
    elsewhere = ELSEWHERE.search(relationship) and not ON_THIS_MACHINE.search(relationship)
    return bool(elsewhere and LOADED.search(relationship))


def _xml(data: bytes, member: Member | None) -> bytes:
    """Return a whole member of XML that can be searched as bytes, being UTF-8."""
    if member is None or member.unpacked > MAX_XML:
        raise FileRefused(FileProblem.MALFORMED)
    xml = _content(data, member)
    encoding = DECLARED_ENCODING.match(xml)
    _require(b"\0" not in xml and (encoding is None or encoding[1].lower() == b"utf-8"))
    return xml
