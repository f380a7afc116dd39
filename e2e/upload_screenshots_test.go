//go:build screenshots

package e2e

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

var screenshotsDir = flag.String("screenshots", "", "let TestScreenshots write its pictures into this `directory`")

// What can be seen in pictures is the same each time: the ports are those of the example's own defaults.
var screenshotPorts = uploadPorts{page: 5173, api: 8080, oauth: 9001, dropboxAPI: 9002, dropboxContent: 9003}

// mustBeFree fails the test if a port is taken. Caddy would share it with another one.
func (p uploadPorts) mustBeFree(t *testing.T) {
	t.Helper()
	for _, port := range []int{p.page, p.api, p.oauth, p.dropboxAPI, p.dropboxContent} {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
	}
}

// A screen as a page sees it, with two dots for each of its pixels.
type screen struct {
	width int64
	dark  bool
}

var (
	desktop = screen{width: 1000}
	night   = screen{width: 1000, dark: true}
	phone   = screen{width: 390}
)

// grace and zoe are in the pictures.
var (
	grace = person{"Grace", "Hopper", "grace@example.com", "+1 555 0100"}
	zoe   = person{"Zoë", "Müller", "zoe@example.com", "+49 30 901820"}
)

// TestScreenshots takes the pictures for the README of examples/dropbox-upload, of all that a person sees there.
func TestScreenshots(t *testing.T) {
	if *screenshotsDir == "" {
		t.Fatal("say with -screenshots where the pictures go")
	}
	screenshotPorts.mustBeFree(t)
	u := newUploads(t, screenshotPorts)
	s := u.start(t, forwardMode, standin.Options{})
	form := u.newTab(t)
	form.visit(u.ports.pageURL())
	form.find("link", "Connect Dropbox")
	form.screenshot("connect", desktop)
	connecting := s.consentFrom(form)
	eventually(t, patience, "the page still shows an error", func() bool { return form.text("alert") == "" })

	connecting.visit(u.ports.apiURL() + "/connect/dropbox-demo/auth")
	connecting.screenshot("consent", desktop)

	form.sendForm(grace)
	form.awaitFiles(1)
	form.fillInForm(zoe)
	form.screenshot("form", desktop)
	s.server.Script(standin.Fault{Path: "/2/files/upload", Delay: 3 * time.Second}) // time for a picture
	form.press("button", "Send")
	form.awaitText("[role=status]", "the file is not under way", func(said string) bool { return strings.Contains(said, "Sending") })
	form.screenshot("sending", desktop)
	form.awaitFiles(2)
	form.screenshot("sent", desktop)
	form.screenshot("dark", night)
	form.screenshot("phone", phone)

	s.stop()
	form.fillInForm(zoe)
	form.press("button", "Send")
	form.awaitText("[role=alert]", "there is no error", func(said string) bool { return strings.Contains(said, "No answer") })
	form.screenshot("error", desktop)
}

// screenshot writes a picture of the whole page.
func (p *tab) screenshot(name string, on screen) {
	p.t.Helper()
	scheme := "light"
	if on.dark {
		scheme = "dark"
	}
	var picture []byte
	p.do(func(ctx context.Context) error {
		if err := page.BringToFront().Do(ctx); err != nil {
			return err
		}
		if err := emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}).Do(ctx); err != nil {
			return err
		}
		// The height is that of the page, if it is more.
		if err := emulation.SetDeviceMetricsOverride(on.width, 300, 2, false).Do(ctx); err != nil {
			return err
		}
		// Nothing is to look as if a pointer were on it.
		err := input.DispatchMouseEvent(input.MouseMoved, 0, 0).Do(ctx)
		if err != nil {
			return err
		}
		picture, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).Do(ctx)
		return err
	})
	small, err := palettedPNG(picture)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshotsDir, name+".png"), small, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
