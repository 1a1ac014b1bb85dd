// RFC 9110 and 9112 as raw requests and what each of them must get. A row is [name, bytes or pieces, statuses, options].
//   closes   the connection ends with the last of the statuses; otherwise another request on it gets 200
//   behind   { statuses, closes } if nginx responds itself, or asks parleyd in its own words; null if what it does
//            then is not HTTP/1, or random, so it is not tested
//   end      the client shuts down its side after the bytes; then the connection ends without another request
//   heads    which of the responses have no body, because they are responses to HEAD
// If the connection closes, another request on it follows, which must get no response: that is how a body is smuggled.

const host = "Host: chat.example.org\r\n";
const json = "Content-Type: application/json\r\n";
const get = (target, headers = "") => `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`;
const post = (headers, body = "", type = json) => `POST /test/echo/w HTTP/1.1\r\n${host}${type}${headers}\r\n${body}`;
const chunked = (body, headers = "") => post(`Transfer-Encoding: chunked\r\n${headers}`, body);
const body = '{"number":3}';

const ok = [200];
const no = [400];
const closes = { closes: true };
const refused = { behind: { statuses: no, closes: true } };
const refusedAlike = { closes: true, behind: { statuses: no, closes: false } };
// nginx accepts it, and asks parleyd in its own words for what it has understood.
const mended = { behind: { statuses: ok, closes: false } };
const mendedOrClosed = { closes: true, ...mended };
const unknownCoding = { closes: true, behind: { statuses: [501] } };

export const targets = [
	["origin form", get("/health"), ok],
	["origin form with a query", get("/test/echo/w?number=3"), ok],
	["origin form with an empty query", get("/health?"), ok],
	["origin form without a route", get("/nowhere?/health"), [404]],
	["origin form that begins with two slashes", get("//health"), [404]],
	["absolute form", get("http://chat.example.org/health"), ok],
	["absolute form, the scheme in any case", get("HtTp://chat.example.org/health"), ok],
	["absolute form by https", get("https://chat.example.org/health"), ok],
	["absolute form with a port", get("http://chat.example.org:80/health"), ok],
	["absolute form with an empty port", get("http://chat.example.org:/health"), ok],
	["absolute form of an IPv6 address", get("http://[::1]:8080/health"), ok],
	["absolute form whose host is not that of Host", get("http://another.example.org/health"), ok],
	["absolute form without a path", get("http://chat.example.org"), [404]],
	["absolute form without a path, with a query", get("http://chat.example.org?a=b"), [404]],
	["absolute form with a slash in its query alone", get("http://a?bbbbbbbb=/x"), [404]],
	["absolute form with a slash in its query before a path", get("http://a?/health"), [404]],
	["absolute form without a host", get("http:///health"), no, refused],
	["absolute form with a user", get("http://user@chat.example.org/health"), no, refused],
	["absolute form with a port that is none", get("http://chat.example.org:x/health"), no, refused],
	["absolute form with a port that is too large", get("http://chat.example.org:65536/health"), no, mended],
	["absolute form with a bracket that is not closed", get("http://[::1/health"), no, refused],
	["absolute form of another scheme", get("ftp://chat.example.org/health"), no, mended],
	["absolute form with one slash", get("http:/health"), no, refused],
	["asterisk form of OPTIONS", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, [204], refused],
	["asterisk form of another method", get("*"), no, refused],
	["authority form", get("chat.example.org:80"), no, refused],
	["authority form of CONNECT", `CONNECT chat.example.org:80 HTTP/1.1\r\n${host}\r\n`, no, refused],
	["relative path", get("health"), no, refused],
	["fragment", get("/health#x"), no],
	["fragment in a query", get("/health?a#x"), no],
	["path that is not percent-encoded", get("/test/echo/%zz"), no, refused],
	["path that is not UTF-8", get("/test/echo/%ff"), no],
	["path of 33,000 bytes", get(`/test/echo/${"a".repeat(33000)}`), [414], { behind: null }],
	["no target at all", `GET HTTP/1.1\r\n${host}\r\n`, no, closes],
	["two targets", `GET /health /health HTTP/1.1\r\n${host}\r\n`, no, closes],
];

export const requestLines = [
	["an empty line before the request", `\r\n${get("/health")}`, ok],
	["an empty line that ends with LF alone", `\n${get("/health")}`, no, mendedOrClosed],
	["two empty lines before the request", `\r\n\r\n${get("/health")}`, no, mendedOrClosed],
	["blank before the method", ` ${get("/health")}`, no, closes],
	["two blanks after the method", `GET  /health HTTP/1.1\r\n${host}\r\n`, no, mendedOrClosed],
	["two blanks before the version", `GET /health  HTTP/1.1\r\n${host}\r\n`, no, mendedOrClosed],
	["blank after the version", `GET /health HTTP/1.1 \r\n${host}\r\n`, no, mendedOrClosed],
	["tab in place of a blank", `GET\t/health\tHTTP/1.1\r\n${host}\r\n`, no, closes],
	["LF alone after the request line", `GET /health HTTP/1.1\n${host}\r\n`, no, mendedOrClosed],
	["CR alone after the request line", `GET /health HTTP/1.1\r${host}\r\n`, no, closes],
	["method that is no token", `G{}T /health HTTP/1.1\r\n${host}\r\n`, no, closes],
	["method in small letters", `get /health HTTP/1.1\r\n${host}\r\n`, [405], refused],
	["method that nobody knows", `FROB /health HTTP/1.1\r\n${host}\r\n`, [405]],
	["HTTP/0.9", "GET /health\r\n", no, { closes: true, behind: null }],
	["HTTP/1.0", "GET /health HTTP/1.0\r\n\r\n", ok, closes],
	["HTTP/1.0 that is kept alive", "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ok],
	["HTTP/1.2", `GET /health HTTP/1.2\r\n${host}\r\n`, no, mendedOrClosed],
	["HTTP/2.0", `GET /health HTTP/2.0\r\n${host}\r\n`, no, { closes: true, behind: { statuses: [505] } }],
	["HTTP/1.10", `GET /health HTTP/1.10\r\n${host}\r\n`, no, mendedOrClosed],
	["http/1.1", `GET /health http/1.1\r\n${host}\r\n`, no, closes],
	["preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", no, closes],
	["TLS on a plain connection", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", no, closes],
	["head of 420,000 bytes", get("/health", `X: ${"a".repeat(420000)}\r\n`), [431], { closes: true, behind: { statuses: no } }],
	["150 headers", get("/health", "X: a\r\n".repeat(150)), no, refusedAlike],
];

export const headers = [
	["blanks around a value", get("/health", "X-Request-Id: \t abc \t \r\n"), ok],
	["no blank before a value", get("/health", "X-Request-Id:abc\r\n"), ok],
	["empty value", get("/health", "X-Empty:\r\n"), ok],
	["name in any case", `GET /health HTTP/1.1\r\nhOsT: chat.example.org\r\n\r\n`, ok],
	["blank before the colon", get("/health", "X-A : b\r\n"), no, closes],
	["name that is no token", get("/health", "X[A]: b\r\n"), no, mendedOrClosed],
	["line without a colon", get("/health", "X-A\r\n"), no, mendedOrClosed],
	["line without a name", get("/health", ": b\r\n"), no, closes],
	["folded line", get("/health", "X-A: b\r\n c\r\n"), no, closes],
	["folded line by a tab", get("/health", "X-A: b\r\n\tc\r\n"), no, closes],
	["folded line before any header", `GET /health HTTP/1.1\r\n X-A: b\r\n${host}\r\n`, no, closes],
	["LF alone after a header", get("/health", "X-A: b\n"), no, mendedOrClosed],
	["CR alone within a header", get("/health", "X-A: b\rX-B: c\r\n"), no, closes],
	["NUL in a value", get("/health", "X-A: b\0c\r\n"), no, closes],
	["bytes beyond ASCII in a value", get("/health", "X-A: \xe9\xff\r\n"), ok],
	["no Host", "GET /health HTTP/1.1\r\n\r\n", no, closes],
	["no Host in HTTP/1.0", "GET /health HTTP/1.0\r\n\r\n", ok, closes],
	["two Hosts", get("/health", host), no, closes],
	["two Hosts in HTTP/1.0", `GET /health HTTP/1.0\r\n${host}${host}\r\n`, no, closes],
	["empty Host", "GET /health HTTP/1.1\r\nHost:\r\n\r\n", no, closes],
	["Host with blanks around it", "GET /health HTTP/1.1\r\nHost: \tchat.example.org \t\r\n\r\n", ok, refused],
	["Host with a path", "GET /health HTTP/1.1\r\nHost: chat.example.org/x\r\n\r\n", no, closes],
	["Host with a user", "GET /health HTTP/1.1\r\nHost: user@chat.example.org\r\n\r\n", no, refusedAlike],
	["list of Hosts", "GET /health HTTP/1.1\r\nHost: chat.example.org, b\r\n\r\n", no, closes],
	["Host of an IPv6 address", "GET /health HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", ok],
	["Authorization twice", get("/test/list", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), no, closes],
	["Idempotency-Key twice", post(`Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: ${body.length}\r\n`, body), no, refusedAlike],
	["Content-Type twice", post(`${json}Content-Length: ${body.length}\r\n`, body), no, refusedAlike],
	["Origin twice", get("/health", "Origin: http://a\r\nOrigin: http://b\r\n"), no, refusedAlike],
	["X-Request-Id twice", get("/health", "X-Request-Id: a\r\nX-Request-Id: b\r\n"), no, mendedOrClosed],
	["Connection: close", get("/health", "Connection: close\r\n"), ok, closes],
	["Connection: close among others, twice", get("/health", "Connection: a, CLOSE \r\nConnection: keep-alive\r\n"), ok, mendedOrClosed],
	["Upgrade that is not offered", get("/health", "Connection: upgrade, keep-alive\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), ok],
];

export const lengths = [
	["body of its length", post(`Content-Length: ${body.length}\r\n`, body), ok],
	["blanks around a length", post(`Content-Length: \t${body.length} \t\r\n`, body), ok, refused],
	["length with leading zeros", post(`Content-Length: 000${body.length}\r\n`, body), ok],
	["no length, no body", post(""), ok],
	["length of nothing", post("Content-Length: 0\r\n"), ok],
	["no length, and a body, which is no request", post("", body), [200, 400], closes],
	["length twice, the same", post(`Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n`, body), no, closes],
	["length twice, another", post(`Content-Length: ${body.length}\r\nContent-Length: 0\r\n`, body), no, closes],
	["list of lengths", post(`Content-Length: ${body.length}, ${body.length}\r\n`, body), no, closes],
	["negative length", post("Content-Length: -1\r\n"), no, closes],
	["length with a sign", post(`Content-Length: +${body.length}\r\n`, body), no, closes],
	["hexadecimal length", post("Content-Length: 0xc\r\n", body), no, closes],
	["length with a point", post("Content-Length: 12.0\r\n", body), no, closes],
	["empty length", post("Content-Length:\r\n", body), no, closes],
	["length with a blank within", post("Content-Length: 1 2\r\n", body), no, closes],
	["length of twenty digits", post("Content-Length: 99999999999999999999\r\n"), no, closes],
	["length over the limit", post("Content-Length: 20000000\r\n"), [413], closes],
	["length and chunks", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), no, closes],
	["chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"), no, closes],
	["an empty line, then length and chunks", `\r\n${post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")}`, no, closes],
	["GET with a body", get("/health", "Content-Length: 3\r\n").concat("abc"), ok],
	["body shorter than its length", post("Content-Length: 100\r\n", body), [], { closes: true, end: true }],
];

export const codings = [
	["chunks", chunked(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`), ok],
	["chunks, byte by byte", [...chunked(`c;a="b"\r\n${body}\r\n0\r\nX: y\r\n\r\n`)], ok],
	["many chunks", chunked([...body].map((byte) => `1\r\n${byte}\r\n`).join("") + "0\r\n\r\n"), ok],
	["no chunk but the last", chunked("0\r\n\r\n"), ok],
	["chunked in any case, with blanks", post("Transfer-Encoding: \tChunked \r\n", "0\r\n\r\n"), ok, { behind: { statuses: [501], closes: true } }],
	["size with leading zeros, in capitals", chunked(`00000C\r\n${body}\r\n0000\r\n\r\n`), ok],
	["extension of a chunk", chunked(`c;a;b=c;d="e;f"\r\n${body}\r\n0;g\r\n\r\n`), ok],
	["trailer", chunked(`c\r\n${body}\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n`), ok],
	["trailer that would be a length", chunked(`c\r\n${body}\r\n0\r\nContent-Length: 50\r\n\r\n`), ok],
	["size with a prefix", chunked(`0xc\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["size with a sign", chunked(`+c\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["size with a blank before it", chunked(` c\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["size with a blank after it", chunked(`c \r\n${body}\r\n0\r\n\r\n`), no, mendedOrClosed],
	["size that is none", chunked(`zz\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["no size", chunked(`\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["size of sixteen digits", chunked(`ffffffffffffffff\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["LF alone after a size", chunked(`c\n${body}\r\n0\r\n\r\n`), no, mendedOrClosed],
	["LF alone after a chunk", chunked(`c\r\n${body}\n0\r\n\r\n`), no, mendedOrClosed],
	["LF alone after the last chunk", chunked(`c\r\n${body}\r\n0\n\n`), no, mendedOrClosed],
	["LF alone after a trailer", chunked(`c\r\n${body}\r\n0\r\nX: y\n\r\n`), no, mendedOrClosed],
	["LF alone in an extension", chunked(`c;a\nb\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["chunk that is longer than its size", chunked(`b\r\n${body}\r\n0\r\n\r\n`), no, closes],
	["chunk that is shorter than its size", chunked(`d\r\n${body}\r\n0\r\n\r\n`), no, mendedOrClosed],
	["chunks over the limit", chunked(`200000\r\n${"a".repeat(0x100010)}`), [413], closes],
	["chunks that do not end", chunked(`c\r\n${body}\r\n`), [], { closes: true, end: true }],
	["chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), no, closes],
	["chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), no, unknownCoding],
	["gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), no, unknownCoding],
	["chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), no, unknownCoding],
	["transfer coding that nobody knows", post("Transfer-Encoding: x\r\n", "0\r\n\r\n"), no, unknownCoding],
	["empty transfer coding", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), no, unknownCoding],
	["chunks in HTTP/1.0", `POST /test/echo/w HTTP/1.0\r\n${host}${json}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, no, closes],
	["content coding", post(`Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n`, body), [415]],
	["content coding that is none", post(`Content-Encoding: identity\r\nContent-Length: ${body.length}\r\n`, body), ok],
	["media type that is not JSON", post(`Content-Length: ${body.length}\r\n`, body, "Content-Type: text/plain\r\n"), [415]],
	["no media type", post(`Content-Length: ${body.length}\r\n`, body, ""), [415]],
	["media type with a parameter, in any case", post(`Content-Length: ${body.length}\r\n`, body, "Content-Type: Application/JSON;charset=utf-8\r\n"), ok],
];

export const connections = [
	["two requests at once", get("/health") + get("/nowhere"), [200, 404]],
	["twenty requests at once, of all kinds", (get("/health") + post(`Content-Length: ${body.length}\r\n`, body) + chunked("0\r\n\r\n") + get("/nowhere")).repeat(5),
		Array(5).fill([200, 200, 200, 404]).flat()],
	["HEAD among others", get("/health") + `HEAD /health HTTP/1.1\r\n${host}\r\n` + get("/health"), [200, 200, 200], { heads: [false, true, false] }],
	["HEAD of an error", `HEAD /nowhere HTTP/1.1\r\n${host}\r\n`, [404], { heads: [true] }],
	["malformed one behind a good one", get("/health") + `GET /health HTTP/1.1\r\n${host}${host}\r\n`, [200, 400], closes],
	["good one behind a malformed one", `GET /health HTTP/1.1\r\n${host}${host}\r\n` + get("/health"), no, closes],
	["good one behind one that closes", get("/health", "Connection: close\r\n") + get("/health"), ok, closes],
	["request in two pieces", ["GET /hea", `lth HTTP/1.1\r\n${host}\r\n`], ok],
	["head and body in pieces", [post(`Content-Length: ${body.length}\r\n`), body.slice(0, 5), body.slice(5)], ok],
	["request, byte by byte", [...get("/health")], ok],
	["client that shuts its side after the request", get("/health"), ok, { closes: true, end: true, behind: null }],
	["client that shuts its side within the head", "GET /health HTTP/1.1\r\nHo", [], { closes: true, end: true, behind: { statuses: [] } }],
	["client that shuts its side at once", "", [], { closes: true, end: true }],
	["Expect: 100-continue", post(`Expect: 100-continue\r\nContent-Length: ${body.length}\r\n`, body), [100, 200]],
	["Expect: 100-Continue with blanks", post(`Expect: \t100-Continue \r\nContent-Length: ${body.length}\r\n`, body), [100, 200], mended],
	["Expect of something else", post(`Expect: x\r\nContent-Length: ${body.length}\r\n`, body), [417], mendedOrClosed],
];
