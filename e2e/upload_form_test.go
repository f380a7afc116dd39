package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
)

// person is what a test fills into the form.
type person struct{ firstName, lastName, email, phone string }

// ada has a name that spreadsheets, headers and encodings can stumble over.
var ada = person{`Jörg "Joe" 🚀`, "Müller, geb. Ñandú; 日本", "joerg.mueller@example.com", "+49 30 901820"}

// adaCSV is the file that is made of ada. An apostrophe keeps spreadsheets from computing the phone number.
const adaCSV = "First name,Last name,Email,Phone\r\n" +
	"\"Jörg \"\"Joe\"\" 🚀\",\"Müller, geb. Ñandú; 日本\",joerg.mueller@example.com,'+49 30 901820\r\n"

// openForm opens the page of the example.
func (s *uploadSite) openForm(t *testing.T) *tab {
	t.Helper()
	p := s.uploads.newTab(t)
	p.visit(s.uploads.ports.pageURL())
	p.find("button", "Send")
	return p
}

func (p *tab) fillInForm(who person) {
	p.t.Helper()
	p.fillIn("First name", who.firstName)
	p.fillIn("Last name", who.lastName)
	p.fillIn("Email", who.email)
	p.fillIn("Phone", who.phone)
}

// sendForm fills in the form, sends it and waits until the page says that it was sent.
func (p *tab) sendForm(who person) {
	p.t.Helper()
	p.fillInForm(who)
	p.press("button", "Send")
	p.awaitText("[role=status]", "the page does not say that it is sent", func(said string) bool {
		return strings.HasPrefix(said, "Sent.")
	})
}

// awaitFiles waits until so many files are listed.
func (p *tab) awaitFiles(n int) {
	p.t.Helper()
	p.find("list", "Uploaded files")
	eventually(p.t, patience, "not all files are listed", func() bool { return len(p.all("button", "Download")) == n })
}

// downloaded presses the first button Download and returns the file that the browser has saved.
func (p *tab) downloaded() (name, content string) {
	p.t.Helper()
	p.press("button", "Download")
	eventually(p.t, patience, "nothing is downloaded", func() bool {
		entries, err := os.ReadDir(p.downloads)
		if err != nil {
			p.t.Fatal(err)
		}
		if len(entries) != 1 || strings.HasSuffix(entries[0].Name(), ".crdownload") {
			return false
		}
		name = entries[0].Name()
		return true
	})
	saved, err := os.ReadFile(filepath.Join(p.downloads, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return name, string(saved)
}

// consentFrom follows the form's link to connect Dropbox, gives the consent there, and goes back to the form. It
// returns the other tab.
func (s *uploadSite) consentFrom(form *tab) *tab {
	form.t.Helper()
	form.find("alert", "")
	form.press("link", "Connect Dropbox")
	p := s.uploads.opened(form)
	p.press("button", "Continue to "+s.server.OAuthURL())
	p.press("button", "Allow")
	p.find("heading", "Connected")
	form.do(page.BringToFront().Do)
	// All tabs act as if they had the focus, so that none gets it.
	form.eval("window.dispatchEvent(new Event('focus')) && true", nil)
	return p
}
