package standin_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// names lists the entries of an answer as "tag path".
func names(answer object) []string {
	list := []string{}
	for _, e := range answer["entries"].([]any) {
		entry := e.(object)
		list = append(list, fmt.Sprintf("%s %s", entry[".tag"], entry["path_display"]))
	}
	return list
}

func TestListingAFolder(t *testing.T) {
	tests := []struct {
		name, arg string
		want      []string
		fail      string
	}{
		{"the root", `{"path":""}`, []string{"folder /A", "file /z"}, ""},
		{"a folder in any case", `{"path":"/a"}`, []string{"folder /A/b", "file /A/x"}, ""},
		{"all that is in it", `{"path":"/a","recursive":true}`, []string{"folder /A/b", "file /A/b/y", "file /A/x"}, ""},
		{"what was deleted too", `{"path":"","include_deleted":true}`, []string{"folder /A", "deleted /gone", "file /z"}, ""},
		{"a file is no folder", `{"path":"/z"}`, nil, "path/not_folder/.."},
		{"nothing is there", `{"path":"/nope"}`, nil, "path/not_found/.."},
		{"what was deleted is not there", `{"path":"/gone"}`, nil, "path/not_found/.."},
	}
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	for _, path := range []string{"/z", "/A/x", "/A/b/y", "/gone"} {
		send(t, s, token, "files/upload", `{"path":"`+path+`"}`, "x")
	}
	rpc(t, s, token, "files/delete_v2", `{"path":"/gone"}`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, got := rpc(t, s, token, "files/list_folder", tt.arg)
			if tt.fail != "" {
				if status != http.StatusConflict || got["error_summary"] != tt.fail {
					t.Errorf("%d %v, want %s", status, got, tt.fail)
				}
				return
			}
			if diff := cmp.Diff(tt.want, names(got)); diff != "" || got["has_more"] != false {
				t.Errorf("more %v, %s", got["has_more"], diff)
			}
		})
	}
}

func TestPagesOfAListingCoverItOnceAndThenShowChanges(t *testing.T) {
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	var want []string
	for i := range 7 {
		path := fmt.Sprintf("/f%d", i)
		send(t, s, token, "files/upload", `{"path":"`+path+`"}`, "x")
		want = append(want, "file "+path)
	}
	_, page := rpc(t, s, token, "files/list_folder", `{"path":"","limit":3}`)
	got := names(page)
	for page["has_more"] == true {
		_, page = rpc(t, s, token, "files/list_folder/continue", `{"cursor":"`+page["cursor"].(string)+`"}`)
		got = append(got, names(page)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	send(t, s, token, "files/upload", `{"path":"/new"}`, "x")
	send(t, s, token, "files/upload", `{"path":"/f0","mode":"overwrite"}`, "changed")
	rpc(t, s, token, "files/delete_v2", `{"path":"/f6"}`)
	for _, want := range [][]string{{"file /f0", "deleted /f6", "file /new"}, {}} {
		_, page = rpc(t, s, token, "files/list_folder/continue", `{"cursor":"`+page["cursor"].(string)+`"}`)
		if diff := cmp.Diff(want, names(page)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCursorsThatNobodyMadeAreBadInput(t *testing.T) {
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	for _, cursor := range []string{"", "x", "!!", "e30", "bnVsbA"} {
		if status, got := rpc(t, s, token, "files/list_folder/continue", `{"cursor":"`+cursor+`"}`); status != http.StatusBadRequest {
			t.Errorf("cursor %q: %d %v", cursor, status, got)
		}
	}
}

func TestMetadataByPathIDAndRevision(t *testing.T) {
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	_, up := send(t, s, token, "files/upload", `{"path":"/Dir/F"}`, "x")
	for _, ref := range []string{"/dir/f", up["id"].(string), "rev:" + up["rev"].(string)} {
		if _, got := rpc(t, s, token, "files/get_metadata", `{"path":"`+ref+`"}`); got["path_display"] != "/Dir/F" || got[".tag"] != "file" {
			t.Errorf("%s: %v", ref, got)
		}
	}
	if _, got := rpc(t, s, token, "files/get_metadata", `{"path":"/dir"}`); got[".tag"] != "folder" || got["name"] != "Dir" {
		t.Errorf("%v", got)
	}
}

func TestDeletingAFolderTakesAllThatIsInIt(t *testing.T) {
	s := start(t, standin.Options{MaxBytes: 4})
	token := issue(t, s).AccessToken
	send(t, s, token, "files/upload", `{"path":"/d/a"}`, "12")
	_, f := send(t, s, token, "files/upload", `{"path":"/d/e/b"}`, "34")
	if _, got := rpc(t, s, token, "files/delete_v2", `{"path":"/d/e/b","parent_rev":"1234"}`); got["error_summary"] != "path_write/conflict/file/.." {
		t.Errorf("%v", got)
	}
	if _, got := rpc(t, s, token, "files/delete_v2", `{"path":"/D"}`); got["metadata"].(object)["path_display"] != "/d" {
		t.Errorf("%v", got)
	}
	for _, ref := range []string{"/d", "/d/a", "/d/e/b", f["id"].(string)} {
		if _, got := rpc(t, s, token, "files/delete_v2", `{"path":"`+ref+`"}`); got["error_summary"] != "path_lookup/not_found/.." {
			t.Errorf("%s: %v", ref, got)
		}
	}
	if _, got := rpc(t, s, token, "files/get_metadata", `{"path":"/d/a","include_deleted":true}`); got[".tag"] != "deleted" {
		t.Errorf("%v", got)
	}
	if status, got := send(t, s, token, "files/upload", `{"path":"/d"}`, "5678"); status != http.StatusOK {
		t.Errorf("the bytes are not free again: %v", got)
	}
}

func TestUploadSessions(t *testing.T) {
	const mib4 = 4 << 20
	block, tail := strings.Repeat("a", mib4), "tail"
	at := func(offset int) string { return fmt.Sprintf(`{"session_id":"ID","offset":%d}`, offset) }
	type step struct{ route, arg, content, want string }
	tests := []struct {
		name  string
		start string // arguments of start
		first string // content of start
		steps []step
		file  string // what /f holds in the end
	}{
		{"a sequence of parts becomes a file", `{}`, "one", []step{
			{"append_v2", `{"cursor":` + at(3) + `}`, "two", ""},
			{"finish", `{"cursor":` + at(6) + `,"commit":{"path":"/f"}}`, "three", ""},
		}, "onetwothree"},
		{"a part at a wrong offset is refused with the right one", `{}`, "one", []step{
			{"append_v2", `{"cursor":` + at(2) + `}`, "two", "incorrect_offset/.."},
			{"finish", `{"cursor":` + at(4) + `,"commit":{"path":"/f"}}`, "", "lookup_failed/incorrect_offset/.."},
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/f"}}`, "", ""},
		}, "one"},
		{"a closed session takes no more", `{"close":true}`, "one", []step{
			{"append_v2", `{"cursor":` + at(3) + `}`, "two", "closed/.."},
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/f"}}`, "x", "lookup_failed/closed/.."},
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/f"}}`, "", ""},
		}, "one"},
		{"a finished session is gone", `{}`, "one", []step{
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/f"}}`, "", ""},
			{"append_v2", `{"cursor":` + at(3) + `}`, "two", "not_found/.."},
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/g"}}`, "", "lookup_failed/not_found/.."},
		}, "one"},
		{"a conflict leaves the session alive", `{}`, "one", []step{
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/taken"}}`, "", "path/conflict/file/.."},
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/f"}}`, "", ""},
		}, "one"},
		{"a wrong hash is noticed", `{}`, "one", []step{
			{"append_v2", `{"content_hash":"00","cursor":` + at(3) + `}`, "two", "content_hash_mismatch/.."},
			{"finish", `{"cursor":` + at(3) + `,"commit":{"path":"/f"}}`, "", ""},
		}, "one"},
		{"parts of a concurrent session come in any order", `{"session_type":{".tag":"concurrent"}}`, "", []step{
			{"append_v2", `{"close":true,"cursor":` + at(mib4) + `}`, tail, ""},
			{"append_v2", `{"cursor":` + at(0) + `}`, block, ""},
			{"finish", `{"cursor":` + at(mib4+4) + `,"commit":{"path":"/f"}}`, "", ""},
		}, block + tail},
		{"a concurrent session is strict about parts", `{"session_type":"concurrent"}`, "", []step{
			{"append_v2", `{"cursor":` + at(1) + `}`, block, "concurrent_session_invalid_offset/.."},
			{"append_v2", `{"cursor":` + at(0) + `}`, "x", "concurrent_session_invalid_data_size/.."},
			{"finish", `{"cursor":` + at(0) + `,"commit":{"path":"/f"}}`, "", "concurrent_session_not_closed/.."},
			{"append_v2", `{"close":true,"cursor":` + at(mib4) + `}`, tail, ""},
			{"finish", `{"cursor":` + at(0) + `,"commit":{"path":"/f"}}`, "x", "concurrent_session_data_not_allowed/.."},
			{"finish", `{"cursor":` + at(0) + `,"commit":{"path":"/f"}}`, "", "concurrent_session_missing_data/.."},
			{"append_v2", `{"cursor":` + at(0) + `}`, block, ""},
			{"finish", `{"cursor":` + at(0) + `,"commit":{"path":"/f"}}`, "", ""},
		}, block + tail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, standin.Options{})
			token := issue(t, s).AccessToken
			send(t, s, token, "files/upload", `{"path":"/taken"}`, "other")
			_, started := send(t, s, token, "files/upload_session/start", tt.start, tt.first)
			id := started["session_id"].(string)
			for i, step := range tt.steps {
				arg := strings.ReplaceAll(step.arg, `"ID"`, `"`+id+`"`)
				status, got := send(t, s, token, "files/upload_session/"+step.route, arg, step.content)
				summary, _ := got["error_summary"].(string)
				if summary != step.want || (status == http.StatusOK) != (step.want == "") {
					t.Fatalf("step %d: %d %v, want %q", i+1, status, got, step.want)
				}
			}
			resp := call(t, s, s.ContentURL()+"/2/files/download", token, map[string]string{"Dropbox-API-Arg": `{"path":"/f"}`}, "")
			if got := body(t, resp); got != tt.file {
				t.Errorf("the file has %d bytes, want %d, or differs", len(got), len(tt.file))
			}
		})
	}
}

func TestAnIncorrectOffsetTellsTheCorrectOne(t *testing.T) {
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	_, started := send(t, s, token, "files/upload_session/start", `{}`, "123")
	arg := fmt.Sprintf(`{"cursor":{"session_id":%q,"offset":0}}`, started["session_id"])
	_, got := send(t, s, token, "files/upload_session/append_v2", arg, "x")
	want := object{"error_summary": "incorrect_offset/..", "error": object{".tag": "incorrect_offset", "correct_offset": 3.0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStartsOfConcurrentSessionsTakeNothing(t *testing.T) {
	s := start(t, standin.Options{MaxBytes: 3})
	token := issue(t, s).AccessToken
	tests := []struct{ name, arg, content, want string }{
		{"no content", `{"session_type":"concurrent"}`, "abc", "concurrent_session_data_not_allowed/.."},
		{"no close", `{"session_type":"concurrent","close":true}`, "", "concurrent_session_close_not_allowed/.."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := send(t, s, token, "files/upload_session/start", tt.arg, tt.content); got["error_summary"] != tt.want {
				t.Errorf("%v", got)
			}
		})
	}
	if status, got := send(t, s, token, "files/upload", `{"path":"/f"}`, "abc"); status != http.StatusOK {
		t.Errorf("refused content used up room: %v", got)
	}
}

func TestAbandonedUploadSessionsMakeRoom(t *testing.T) {
	s := start(t, standin.Options{MaxBytes: 1100, InMemory: true})
	token := issue(t, s).AccessToken
	var statuses []int
	for range 1200 {
		status, _ := send(t, s, token, "files/upload_session/start", `{}`, "x")
		statuses = append(statuses, status)
	}
	if i := slices.IndexFunc(statuses, func(s int) bool { return s != http.StatusOK }); i >= 0 {
		t.Errorf("start %d was refused with %d", i+1, statuses[i])
	}
}
