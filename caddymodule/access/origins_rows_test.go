package access

import "strings"

// TableOrigins are allowed in the table of origins: an exact one, all subdomains of one, a port, all ports, and addresses.
var TableOrigins = []string{
	"https://app.example.com", "https://*.wild.example", "http://localhost:5173", "http://127.0.0.1:*", "http://[::1]:5173", "https://[2001:db8::7]:8443",
}

// What becomes of a request with an Origin.
const (
	OriginAllowed   = "allowed"
	OriginRefused   = "refused"
	OriginMalformed = "malformed" // it is no header; Go's server answers before there is a request
)

// An OriginGroup is lines of Origin, each of a request of its own, that are treated alike.
type OriginGroup struct {
	Why    string
	Want   string
	Values []string
}

// OriginGroups are what browsers send, and what somebody could send who hopes for another reading of it.
func OriginGroups() []OriginGroup {
	long := strings.Repeat("a", 8<<10)
	return []OriginGroup{
		{"it is listed", OriginAllowed, []string{
			"https://app.example.com", "http://localhost:5173", "http://[::1]:5173", "https://[2001:db8::7]:8443",
		}},
		{"it matches a pattern", OriginAllowed, []string{
			"https://a.wild.example", "https://b.a.wild.example", "https://xn--bcher-kva.wild.example", "https://a-b.wild.example", "https://7.wild.example", "https://_a.wild.example",
			"http://127.0.0.1", "http://127.0.0.1:1", "http://127.0.0.1:8080", "http://127.0.0.1:65535",
		}},
		// RFC 9110 section 5.5: they are no part of the value.
		{"it is listed, with blanks around", OriginAllowed, []string{" https://app.example.com", "https://app.example.com \t", "\thttps://app.example.com"}},

		{"it is opaque, as that of a sandboxed frame, a file or a redirect", OriginRefused, []string{"null", "NULL", "Null", " null ", "null, null", "\"null\""}},
		{"it is empty, or a word", OriginRefused, []string{"", " ", "*", "undefined", "true", "same-origin", "none", "0", "-", "."}},
		{"it is a page of no host", OriginRefused, []string{
			"file://", "file:///", "file:///etc/passwd", "about:blank", "about:srcdoc", "data:", "data:text/html,x", "javascript:alert(1)", "blob:null/1",
			"blob:https://app.example.com/5f4d", "filesystem:https://app.example.com/x", "view-source:https://app.example.com", "content://app.example.com",
		}},
		{"it is of an extension or an app", OriginRefused, []string{
			"chrome-extension://abcdefghijklmnopabcdefghijklmnop", "moz-extension://5f4d", "safari-web-extension://5f4d", "chrome://settings", "devtools://devtools",
			"capacitor://localhost", "ionic://localhost", "app://localhost", "tauri://localhost", "vscode-webview://5f4d",
		}},
		{"it is somebody else's", OriginRefused, []string{"https://evil.example", "https://example.com", "https://www.example.com", "http://192.0.2.7", "https://[2001:db8::8]:8443"}},
		{"a listed one begins or ends it", OriginRefused, []string{
			"https://app.example.com.evil.example", "https://app.example.comevil.example", "https://app.example.com-evil.example", "https://app.example.com_evil.example",
			"https://evilapp.example.com", "https://evil-app.example.com", "https://evil.app.example.com", "https://.app.example.com", "https://pp.example.com",
			"https://app.example.co", "https://app.example.comm", "https://app.example", "https://app-example.com", "https://appXexample.com", "https://app.example.com.com",
		}},
		{"it is near a pattern", OriginRefused, []string{
			"https://wild.example", "https://.wild.example", "https://evilwild.example", "https://wild.example.evil.example", "https://a.wild.example.evil.example",
			"https://a.wild.example:8443", "http://a.wild.example", "https://a..wild.example", "https://*.wild.example", "https://a.wild.example.", "https://A.wild.example",
			"https://evil.example/.wild.example", "https://evil.example#.wild.example", "https://evil.example?.wild.example", "https://evil.example\\.wild.example", "https://evil.example:443.wild.example",
			"https://evil.example@a.wild.example", "https://user:pass@a.wild.example", "https://evil.example%2f.wild.example", "https://evil.example%00.wild.example", "https://evil example.wild.example",
			"https://evil.example,.wild.example", "https://evil.example, https://a.wild.example", "https://\u0430.wild.example", "https://\xff.wild.example", "https://a`.wild.example", "https://a{.wild.example",
			"https://[::1].wild.example", "https://a.wild.example/", "https://-!.wild.example", "https://a.wild.exampl\u0435", "https:///a.wild.example", "https://a\t.wild.example",
			"http://127.0.0.1:", "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:080", "http://127.0.0.1:*", "https://127.0.0.1:1", "http://127.0.0.2:1",
		}},
		{"its scheme is another", OriginRefused, []string{
			"http://app.example.com", "http://app.example.com:443", "ws://app.example.com", "wss://app.example.com", "ftp://app.example.com",
			"httpss://app.example.com", "ttps://app.example.com", "https+unix://app.example.com", "https://localhost:5173", "https://[::1]:5173",
		}},
		// Browsers leave the scheme's own port out.
		{"its port is another, or written though it is the scheme's", OriginRefused, []string{
			"https://app.example.com:443", "https://app.example.com:0443", "https://app.example.com:444", "https://app.example.com:80", "https://app.example.com:0", "https://app.example.com:",
			"https://app.example.com:443:443", "https://app.example.com:65979", "https://app.example.com:+443", "https://app.example.com:-1", "https://app.example.com:4e2", "https://app.example.com:https",
			"http://localhost", "http://localhost:80", "http://localhost:5174", "http://localhost:51733", "http://localhost:05173", "http://localhost:5173:", "http://[::1]", "http://[::1]:5174",
		}},
		// They write it in lower case, too.
		{"it has capitals", OriginRefused, []string{
			"HTTPS://app.example.com", "HTTPS://APP.EXAMPLE.COM", "https://APP.example.com", "https://app.example.COM", "Https://app.example.com", "http://LOCALHOST:5173", "https://[2001:DB8::7]:8443",
		}},
		{"it has a dot more", OriginRefused, []string{
			"https://app.example.com.", "https://app.example.com..", "https://app..example.com", "http://localhost.:5173", "http://127.0.0.1.:80",
		}},
		{"it has more than an origin", OriginRefused, []string{
			"https://app.example.com/", "https://app.example.com//", "https://app.example.com/path", "https://app.example.com/.evil.example", "https://app.example.com/@evil.example",
			"https://app.example.com?", "https://app.example.com?a=b", "https://app.example.com?.evil.example", "https://app.example.com#", "https://app.example.com#.evil.example",
			"https://app.example.com;", "https://app.example.com;a=b", "https://evil.example/https://app.example.com", "https://evil.example?https://app.example.com", "https://evil.example#https://app.example.com",
			"http://localhost:5173/",
		}},
		{"it has user information", OriginRefused, []string{
			"https://user@app.example.com", "https://user:pass@app.example.com", "https://@app.example.com", "https://:@app.example.com", "https://app.example.com@evil.example",
			"https://app.example.com:443@evil.example", "https://evil.example@app.example.com", "https://evil.example%40app.example.com", "https://app.example.com%40evil.example", "https://evil.example#@app.example.com",
		}},
		{"it has a backslash", OriginRefused, []string{
			"https:\\\\app.example.com", "https:/\\app.example.com", "https://app.example.com\\", "https://app.example.com\\.evil.example", "https://app.example.com\\@evil.example", "https://evil.example\\@app.example.com",
		}},
		{"it has too few or too many slashes", OriginRefused, []string{
			"https:/app.example.com", "https:app.example.com", "https:///app.example.com", "//app.example.com", "/app.example.com", "://app.example.com", "app.example.com", "https//app.example.com", "https://", "https:",
		}},
		{"it has blanks within", OriginRefused, []string{
			"https:// app.example.com", "https ://app.example.com", "https://app.example.com .evil.example", "https://app.example.com\t.evil.example", "h ttps://app.example.com", "https://app.example.com :443",
		}},
		{"it is a list", OriginRefused, []string{
			"https://app.example.com, https://evil.example", "https://evil.example, https://app.example.com", "https://app.example.com,https://app.example.com",
			"https://app.example.com https://evil.example", "https://evil.example https://app.example.com", "https://app.example.com; https://evil.example", "https://app.example.com,", ",https://app.example.com",
		}},
		{"there are two", OriginRefused, []string{
			"https://app.example.com\r\nOrigin: https://evil.example", "https://evil.example\r\nOrigin: https://app.example.com",
			"https://app.example.com\r\nOrigin: https://app.example.com", "\r\nOrigin: https://app.example.com", "https://app.example.com\r\norigin: null",
		}},
		{"a part of it is escaped", OriginRefused, []string{
			"https://app%2eexample.com", "https://app.example.com%2f", "https://app.example.com%00", "https://app.example.com%00.evil.example", "https://app.example.com%0d%0a", "https://app.example.com%20",
			"https://%61pp.example.com", "https%3a//app.example.com", "https://app.example.com%23", "https://app.example.com%60.evil.example", "&#104;ttps://app.example.com",
		}},
		{"it is in other letters that look alike", OriginRefused, []string{
			"https://\u0430pp.example.com", "https://app.ex\u00e4mple.com", "https://app.example.c\u043em", "https://app\u3002example.com", "https://app\uff0eexample.com", "https://app\u2024example.com",
			"https://app.example.com\u200b", "https://app.example.com\ufeff", "https://\u202eapp.example.com", "https://xn--pp-7lc.example.com", "https://xn--app.example.com", "\uff48ttps://app.example.com",
			"http://localho\u017ft:5173", "https://app.example.com\u2044", "https://app.example.com\u00a0",
		}},
		{"it is no UTF-8", OriginRefused, []string{"https://app.example.com\xff", "https://app.example.com\xc0\xae", "\xef\xbb\xbfhttps://app.example.com"}},
		{"it is the listed address in another spelling", OriginRefused, []string{
			"http://127.1:1", "http://127.0.1:1", "http://2130706433:1", "http://0x7f000001:1", "http://0x7f.0.0.1:1", "http://0177.0.0.1:1", "http://127.000.000.001:1", "http://[::ffff:127.0.0.1]:1", "http://[::ffff:7f00:1]:1",
			"http://[0:0:0:0:0:0:0:1]:5173", "http://[::0001]:5173", "http://[::1%25lo]:5173", "http://[::1%lo]:5173", "http://::1:5173", "http://[::1:5173", "http://::1]:5173", "http://[[::1]]:5173", "http://[::1].evil.example:5173",
			"https://[2001:db8:0:0:0:0:0:7]:8443", "https://[2001:0db8::7]:8443", "https://[2001:db8::0.0.0.7]:8443", "http://[fe80::1%25eth0]:5173", "http://0.0.0.0:5173", "http://[::]:5173",
		}},
		{"it is another name of this machine", OriginRefused, []string{
			"http://evil.localhost:5173", "http://localhost.evil.example:5173", "http://localhost.localdomain:5173", "http://ip6-localhost:5173", "http://127.0.0.1.nip.io:5173",
		}},
		{"a character stands where another parser ends the host", OriginRefused, between(
			"`", "{", "}", "|", "~", "!", "$", "&", "'", "(", ")", "*", "+", ",", ";", "=", "_", "\"", "<", ">", "^", "[", "]",
		)},
		{"it is 8 KiB long", OriginRefused, []string{
			"https://" + long + ".wild.example", "https://" + strings.Repeat("a.", 4<<10) + "wild.example", "https://app.example.com" + strings.Repeat("/", 8<<10), "https://app.example.com." + long, long,
		}},
		{"it has a control character", OriginMalformed, []string{
			"https://app.example.com\x00", "https://app.example.com\x00.evil.example", "\x00https://app.example.com", "https://app.example.com\x01", "https://app.example.com\x0b", "https://app.example.com\x0c",
			"https://app.example.com\x1f", "https://app.example.com\x7f", "https://app.example.com\x08", "https://app.example.com\r",
		}},
	}
}

// between puts each separator between a listed origin and a foreign domain.
func between(separators ...string) (list []string) {
	for _, s := range separators {
		list = append(list, "https://app.example.com"+s+".evil.example")
	}
	return list
}
