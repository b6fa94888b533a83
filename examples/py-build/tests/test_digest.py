from logdigest import Digest, Totals, read

LOG = """\
10.0.0.7 - - [02/May/2024:10:00:01 +0000] "GET /index.html HTTP/1.1" 200 512
10.0.0.7 - - [02/May/2024:10:00:02 +0000] "GET /logo.svg HTTP/1.1" 304 -
10.0.0.9 - ann [02/May/2024:10:00:03 +0000] "POST /login?next=/ HTTP/1.1" 403 64
a line that is not a request
10.0.0.9 - ann [02/May/2024:10:00:09 +0000] "GET /index.html HTTP/1.1" 500 128
""".splitlines()


def digest():
    result = Digest()
    result.take_lines(LOG)
    return result


def test_a_line_is_read():
    request = read(LOG[0])
    assert (request.host, request.verb, request.path, request.size) == ("10.0.0.7", "GET", "/index.html", 512)


def test_a_dash_is_no_bytes():
    assert read(LOG[1]).size == 0


def test_the_query_is_cut_off():
    assert read(LOG[2]).path == "/login"


def test_anything_else_is_skipped():
    assert read(LOG[3]) is None
    assert digest().skipped == 1


def test_totals_by_path():
    assert digest().totals("/index.html") == Totals(2, 640, 1)
    assert digest().totals("/nowhere") == Totals(0, 0, 0)


def test_busiest_paths():
    assert digest().busiest(2) == ["/index.html", "/login"]
