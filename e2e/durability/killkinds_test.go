package durability

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// kill kills a writer at the moment while it does something of that kind, and looks at
// what it left. It reports false if that moment did not come.
func (k *killer) kill(kind string, at moment) bool {
	k.t.Helper()
	verb, provider, _ := strings.Cut(kind, " ")
	k.made++
	switch verb {
	case "create":
		return k.killFile(fmt.Sprintf("new-%d.db", k.made), "", at)
	case "backup":
		file := fmt.Sprintf("backup-%d.db", k.made)
		return k.killFile(file, "backup "+filepath.Join(k.striker.dir(), file), at)
	case "rotate":
		notes, killed := k.run(database, at, "rotate")
		k.learn(notes)
		k.checkAll(tokenstore.ID{})
		return killed
	case "import":
		step := k.newConnection(kindly)
		id, _ := tokenstore.ParseID(strings.Fields(step)[1])
		return k.killStep(step, id, at)
	case "delete":
		id := k.any(kindly)
		return k.killStep("delete "+id.String(), id, at)
	}
	id := k.any(provider)
	k.servers[provider].ResetJournal()
	return k.killStep("refresh "+id.String(), id, at)
}

// killStep kills a writer at a step, after which nobody needs to know about the connection id if the
// writer has not told.
func (k *killer) killStep(step string, id tokenstore.ID, at moment) bool {
	k.t.Helper()
	notes, killed := k.run(database, at, step)
	done := slices.ContainsFunc(notes, func(n string) bool {
		return strings.HasPrefix(n, "kept "+id.String()+" ") || n == "gone "+id.String()
	})
	before := k.known[id]
	k.learn(notes)
	if !killed && !done {
		k.t.Errorf("%s: %v", step, notes)
	}
	verb, _, _ := strings.Cut(step, " ")
	switch state := k.checkAll(id); {
	case verb == "delete" && done && state != "not found":
		k.t.Errorf("%s was deleted, and is there again: %s", id, state)
	case verb != "refresh" && !done && state == "not found":
		delete(k.known, id)
	case verb == "refresh" && !done && id.Provider == strict && state == "needs_consent interrupted_rotation":
		k.checkInterrupted(id, before)
	case verb == "delete" && done:
	case state != "ready":
		k.t.Errorf("%q was cut before %s (it had told so: %t): %s is %s", step, at, done, id, state)
	}
	return killed
}

// checkAll wants every connection to be ready and to have a refresh token that its server takes, but
// for the one in doubt, of which it returns the state.
func (k *killer) checkAll(doubt tokenstore.ID) string {
	k.t.Helper()
	var steps []string
	ask := func(id tokenstore.ID) { steps = append(steps, "refresh "+id.String(), "status "+id.String()) }
	if doubt.Provider != "" {
		ask(doubt)
	} else {
		ask(k.any(kindly))
	}
	for id := range k.known {
		if id != doubt {
			steps = append(steps, "status "+id.String())
		}
	}
	notes, _ := k.run(database, moment{}, steps...)
	_, hadDoubt := k.known[doubt]
	states := k.learn(notes)
	if !hadDoubt {
		delete(k.known, doubt)
	}
	for id := range k.known {
		if id != doubt && states[id] != "ready" {
			k.t.Errorf("%s is %q", id, states[id])
		}
	}
	return states[doubt]
}

// checkInterrupted wants that a grant was given up as it must be: its server has
// answered, the answer was lost, and the refresh token was sent once more and no more.
func (k *killer) checkInterrupted(id tokenstore.ID, before grant) {
	k.t.Helper()
	k.interrupted++
	delete(k.known, id)
	uses, answered := 0, false
	for _, e := range k.servers[id.Provider].Journal() {
		if e.GrantType == "refresh_token" && e.Family == before.family {
			uses++
			answered = answered || e.Acted && e.Status == 200
		}
	}
	if uses != 2 || !answered {
		k.t.Errorf("%s was given up after %d uses of its refresh token (answered: %t)", id, uses, answered)
	}
}

// killFile kills a writer that makes a file, or without a step the database itself. The file must be whole, or
// not be there; and must be there if the writer has told so.
func (k *killer) killFile(file, step string, at moment) bool {
	k.t.Helper()
	path := filepath.Join(k.striker.dir(), file)
	var notes []string
	var killed bool
	var want []string
	if step == "" {
		notes, killed = k.run(file, at)
	} else {
		notes, killed = k.run(database, at, step)
		for id := range k.known {
			want = append(want, "status "+id.String())
		}
	}
	_, err := os.Lstat(path)
	told := slices.ContainsFunc(notes, func(n string) bool { return n == "open" && step == "" || n == "saved "+path })
	if told && err != nil {
		k.t.Errorf("%s: %v", file, err)
	}
	if err == nil || step == "" {
		notes, _ := k.run(file, moment{}, want...)
		if !slices.Contains(notes, "closed") || slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "failed") }) {
			k.t.Errorf("%s before %s: %v", file, at, notes)
		}
	}
	k.sweep(file)
	return killed
}

// sweep removes the file and what was left of it.
func (k *killer) sweep(file string) {
	k.t.Helper()
	entries, err := os.ReadDir(k.striker.dir())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), file) || strings.HasPrefix(e.Name(), ".") {
			if err := os.Remove(filepath.Join(k.striker.dir(), e.Name())); err != nil {
				k.t.Error(err)
			}
		}
	}
}
