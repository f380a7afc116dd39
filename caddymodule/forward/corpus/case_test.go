package corpus

// protocol is what a client speaks.
type protocol string

const (
	http1 protocol = "http1"
	tls1  protocol = "tls1"
	h2c   protocol = "h2c"
	tls2  protocol = "tls2"
)

var versions = map[string][]protocol{
	"1": {http1, tls1}, "2": {h2c, tls2}, "http1": {http1}, "tls1": {tls1}, "h2c": {h2c}, "tls2": {tls2},
}

func (p protocol) version() string {
	if p == h2c || p == tls2 {
		return "2"
	}
	return "1"
}

// testCase is a case as doc.go describes it. Its texts are still to be expanded.
type testCase struct {
	name  string // with file and line
	title string

	on     []protocol
	routes []string

	request *request
	raw     []string
	shut    bool
	frames  []frame

	answers     []answer
	arrivals    []arrival
	nothing     bool
	connections int
	outcomes    map[place][]outcome
}

// place is where an outcome can differ.
type place struct{ version, route string }

var everywhere = []place{{"1", "bare"}, {"1", "stripped"}, {"1", "reuse"}, {"2", "bare"}, {"2", "stripped"}, {"2", "reuse"}}

// request is one that any version of HTTP can send.
type request struct {
	method, target, host, body string
	hasHost                    bool
	header                     []string
}

// frame is one of HTTP/2.
type frame struct {
	kind   string // headers, data, raw
	stream uint32
	end    bool
	args   string
	fields [][2]string
}

// answer is what the API sends.
type answer struct {
	text  string
	close bool
}

// arrival is a request as the API has to get it.
type arrival struct {
	line, body string
	hasBody    bool
	cut        bool
	maybe      bool // it need not arrive
	header     []string
}

// outcome is what the client has to get.
type outcome struct {
	what    string // 200, "200 cut", closed, "reset CODE", "goaway CODE"
	body    string
	hasBody bool
	header  []string
}
