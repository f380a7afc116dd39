package placeholder

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestReplace(t *testing.T) {
	t.Setenv("PLACEHOLDER_SET", "value")
	t.Setenv("PLACEHOLDER_EMPTY", "")
	tests := map[string]struct {
		written string
		v       Visibility
		want    string
		problem string // a part of it
	}{
		"a text without any":               {"plain", Shown, "plain", ""},
		"a variable":                       {"a-{env.PLACEHOLDER_SET}-b", Shown, "a-value-b", ""},
		"a variable that is empty":         {"{env.PLACEHOLDER_EMPTY}", Shown, "", "environment variable PLACEHOLDER_EMPTY"},
		"a secret's variable has a name":   {"{env.PLACEHOLDER_EMPTY}", Hidden, "", "environment variable PLACEHOLDER_EMPTY"},
		"a file that is not there":         {"{file./does/not/exist}", Hidden, "", "the file /does/not/exist"},
		"one that nobody knows":            {"x{canary}", Shown, "", "{canary} has no value"},
		"one that is a part of a secret":   {"x{canary}", Hidden, "", "write \\{ for a brace"},
		"a brace that stands for a brace":  {`a\{b}`, Hidden, "a{b}", ""},
		"a brace that is opened and left":  {"a{b", Hidden, "a{b", ""},
		"a value is not looked at further": {"{env.PLACEHOLDER_SET}{env.PLACEHOLDER_SET}", Shown, "valuevalue", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, problem := Replace(caddy.NewReplacer(), tt.written, tt.v)
			if got != tt.want || !strings.Contains(problem, tt.problem) || (problem == "") != (tt.problem == "") {
				t.Errorf("got %q, problem %q; want %q, %q", got, problem, tt.want, tt.problem)
			}
			if tt.v == Hidden && strings.Contains(problem, "canary") {
				t.Errorf("the problem tells the secret: %s", problem)
			}
		})
	}
}

func TestReplaceAllNamesEachSettingThatLacksAValue(t *testing.T) {
	t.Setenv("PLACEHOLDER_SET", "value")
	got, err := ReplaceAll([]string{"a", "{env.PLACEHOLDER_SET}"})
	if err != nil || got[0] != "a" || got[1] != "value" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = ReplaceAll([]string{"{env.PLACEHOLDER_ONE}", "fine", "{env.PLACEHOLDER_TWO}"})
	for _, name := range []string{"PLACEHOLDER_ONE", "PLACEHOLDER_TWO"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}
