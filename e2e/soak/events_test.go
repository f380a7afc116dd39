package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	passing = `{"Action":"run","Test":"TestX"}
{"Action":"output","Test":"TestX","Output":"=== RUN   TestX\n"}
{"Action":"output","Test":"TestX","Output":"    x_test.go:5: [rapid] OK, passed 100 tests (1s)\n"}
{"Action":"output","Test":"TestX/part","Output":"    x_test.go:7: 12 kills of a part\n"}
{"Action":"pass","Test":"TestX/part"}
{"Action":"output","Test":"TestX","Output":"    x_test.go:9: 500 kills,"}
{"Action":"output","Test":"TestX","Output":" 0 lost\n"}
{"Action":"output","Test":"TestX","Output":"--- PASS: TestX (0.01s)\n"}
{"Action":"pass","Test":"TestX","Elapsed":0.01}
{"Action":"pass"}
`
	skipping = `{"Action":"output","Test":"TestX","Output":"    x_test.go:7: 12 kills\n"}
{"Action":"skip","Test":"TestX/part"}
{"Action":"pass","Test":"TestX"}
{"Action":"pass"}
`
	failing = `{"Action":"output","Test":"TestX","Output":"    x_test.go:7: 1 grant lost\n"}
{"Action":"fail","Test":"TestX"}
{"Action":"fail"}
`
	silent  = `{"Action":"pass","Test":"TestX"}` + "\n" + `{"Action":"pass"}` + "\n"
	absent  = `{"Action":"output","Output":"testing: warning: no tests to run\n"}` + "\n" + `{"Action":"pass"}` + "\n"
	broken  = "x_test.go:1: expected 'package'\n" + `{"Action":"build-output","Output":"# x\n"}` + "\n" + `{"Action":"fail"}` + "\n"
	figured = `{"Action":"output","Test":"BenchmarkX","Output":"BenchmarkX\n"}
{"Action":"output","Test":"BenchmarkX","Output":"BenchmarkX-2   \t"}
{"Action":"output","Test":"BenchmarkX","Output":"     200\t   1501343 ns/op\t       314.1 alone/s\n"}
{"Action":"pass"}
`
)

func TestWhatCountsAsDone(t *testing.T) {
	for _, test := range []struct {
		name, job, events string
		err               error
		printed           []string
		problem           string // it begins so
	}{
		{"a test that passed and told its counts", "TestX", passing, nil, []string{"12 kills of a part", "500 kills, 0 lost"}, ""},
		{"a part that was skipped", "TestX", skipping, nil, []string{"12 kills"}, "it was skipped"},
		{"a failure", "TestX", failing, errors.New("exit status 1"), []string{"1 grant lost"}, "it failed: exit status 1"},
		{"no count", "TestX", silent, nil, nil, "it printed no count"},
		{"no such test", "TestX", absent, nil, nil, "there is no such test"},
		{"a test that does not compile", "TestX", broken, errors.New("exit status 1"), nil, "it failed"},
		{"a run that was cut off", "TestX", strings.TrimSuffix(passing, `{"Action":"pass"}`+"\n"), nil, []string{"12 kills of a part", "500 kills, 0 lost"}, "it failed"},
		{"a benchmark", "BenchmarkX", figured, nil, []string{"200 1501343 ns/op 314.1 alone/s"}, ""},
		{"no such benchmark", "BenchmarkX", absent, nil, nil, "it printed no count"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := read(strings.NewReader(test.events))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.printed, r.printed(test.job)); diff != "" {
				t.Error(diff)
			}
			problem := r.problem(job{Test: test.job}, test.err)
			if !strings.HasPrefix(problem, test.problem) || (problem == "") != (test.problem == "") {
				t.Errorf("the problem is %q", problem)
			}
		})
	}
}

func TestWhatDoesNotCompileIsShown(t *testing.T) {
	r, err := read(strings.NewReader(broken))
	if err != nil {
		t.Fatal(err)
	}
	if problem := r.problem(job{Test: "TestX"}, errors.New("exit status 1")); !strings.Contains(problem, "expected 'package'") {
		t.Error(problem)
	}
}
