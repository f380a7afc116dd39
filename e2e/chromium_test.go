package e2e

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	devtools "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// chromium is a real browser without a window, with a profile of its own.
type chromium struct {
	t   *testing.T
	ctx context.Context
}

// startChromium runs Chromium, with more options than it always has, until the end of the test.
func startChromium(t *testing.T, more ...chromedp.ExecAllocatorOption) *chromium {
	t.Helper()
	needs(t, "chromium")
	var process *exec.Cmd
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(more,
		chromedp.ExecPath("chromium"),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoFirstRun, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-breakpad", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-dev-shm-usage", true), // it is small in containers
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			// A group of its own, so that no process of it is left behind.
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			process = cmd
		}),
	)...)
	ctx, closeBrowser := chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("Chromium does not end: %v", err)
		}
		closeBrowser()
		stop()
		endGroup(t, process)
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return &chromium{t: t, ctx: ctx}
}

// endGroup ends what is left of the process group that cmd began.
func endGroup(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd == nil || cmd.Process == nil {
		return
	}
	group := -cmd.Process.Pid
	if err := syscall.Kill(group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Error(err)
	}
	eventually(t, 10*time.Second, "processes of Chromium are left", func() bool {
		return errors.Is(syscall.Kill(group, 0), syscall.ESRCH)
	})
}

// tab is a page in a browser.
type tab struct {
	t         *testing.T
	ctx       context.Context
	person    cdp.BrowserContextID
	downloads string // the directory that they go to
	log       *networkLog
}

// newTab opens an empty page for a person who has been nowhere before: it shares no cookies, no storage
// and no connections with other tabs. It is closed at the end of the test t.
func (b *chromium) newTab(t *testing.T) *tab {
	t.Helper()
	inBrowser := cdp.WithExecutor(b.ctx, chromedp.FromContext(b.ctx).Browser)
	person, err := target.CreateBrowserContext().Do(inBrowser)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := target.DisposeBrowserContext(person).Do(inBrowser); err != nil {
			t.Error(err)
		}
	})
	downloads := t.TempDir()
	err = devtools.SetDownloadBehavior(devtools.SetDownloadBehaviorBehaviorAllow).
		WithBrowserContextID(person).WithDownloadPath(downloads).Do(inBrowser)
	if err != nil {
		t.Fatal(err)
	}
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(person).WithNewWindow(true).Do(inBrowser)
	if err != nil {
		t.Fatal(err)
	}
	return b.attach(&tab{t: t, person: person, downloads: downloads}, id)
}

// attach lets p be the page with the id.
func (b *chromium) attach(p *tab, id target.ID) *tab {
	p.t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
	p.t.Cleanup(closeTab)
	// A page that hangs is to fail the test, not to stop it.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	p.t.Cleanup(cancel)
	p.ctx = ctx
	p.log = listen(p)
	// Without a window manager, only one window has the focus, and others take no clicks.
	p.do(emulation.SetFocusEmulationEnabled(true).Do)
	return p
}

// opened waits for the tab that p has opened.
func (b *chromium) opened(p *tab) *tab {
	p.t.Helper()
	inBrowser := cdp.WithExecutor(b.ctx, chromedp.FromContext(b.ctx).Browser)
	own := chromedp.FromContext(p.ctx).Target.TargetID
	var id target.ID
	eventually(p.t, patience, "no tab is opened", func() bool {
		all, err := target.GetTargets().Do(inBrowser)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, other := range all {
			if other.Type == "page" && other.BrowserContextID == p.person && other.TargetID != own {
				id = other.TargetID
			}
		}
		return id != ""
	})
	return b.attach(&tab{t: p.t, person: p.person, downloads: p.downloads}, id)
}

// do lets the browser do what action asks for.
func (p *tab) do(action func(context.Context) error) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, chromedp.ActionFunc(action)); err != nil {
		p.t.Fatal(err)
	}
}

// visit opens a page, and returns when it is loaded.
func (p *tab) visit(url string) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, chromedp.Navigate(url)); err != nil {
		p.t.Fatalf("%s: %v", url, err)
	}
}

// eval runs a script in the page and reads its result, also that of a promise.
func (p *tab) eval(script string, result any) {
	p.t.Helper()
	awaited := func(e *runtime.EvaluateParams) *runtime.EvaluateParams { return e.WithAwaitPromise(true) }
	if err := chromedp.Run(p.ctx, chromedp.Evaluate(script, result, awaited)); err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
}

// address returns where the tab is.
func (p *tab) address() (url string) {
	p.t.Helper()
	p.eval("location.href", &url)
	return url
}
