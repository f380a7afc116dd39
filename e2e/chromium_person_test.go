package e2e

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// patience is how long a person waits for a page to do what they asked for.
const patience = 20 * time.Second

// find waits for the first element with the role and the accessible name, as a screen reader knows them, an empty
// name standing for any.
func (p *tab) find(role, name string) cdp.BackendNodeID {
	p.t.Helper()
	var found []cdp.BackendNodeID
	eventually(p.t, patience, "there is no "+role+" "+name, func() bool {
		found = p.all(role, name)
		return len(found) > 0
	})
	return found[0]
}

// all returns the elements with the role and the name, none while the page changes.
func (p *tab) all(role, name string) (ids []cdp.BackendNodeID) {
	p.t.Helper()
	// A command that meets a change of pages may never be answered.
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	err := chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		root, err := dom.GetDocument().Do(ctx)
		if err != nil {
			return err
		}
		query := accessibility.QueryAXTree().WithBackendNodeID(root.BackendNodeID).WithRole(role)
		if name != "" {
			query = query.WithAccessibleName(name)
		}
		nodes, err := query.Do(ctx)
		for _, node := range nodes {
			if !node.Ignored {
				ids = append(ids, node.BackendDOMNodeID)
			}
		}
		return err
	}))
	if err != nil {
		return nil
	}
	return ids
}

// fillIn replaces the text of a field.
func (p *tab) fillIn(label, text string) {
	p.t.Helper()
	field := p.find("textbox", label)
	p.do(func(ctx context.Context) error {
		if err := dom.Focus().WithBackendNodeID(field).Do(ctx); err != nil {
			return err
		}
		if err := chromedp.Evaluate("document.activeElement.select()", nil).Do(ctx); err != nil {
			return err
		}
		return input.InsertText(text).Do(ctx)
	})
}

// press clicks in the middle of an element.
func (p *tab) press(role, name string) {
	p.t.Helper()
	p.click(p.find(role, name))
}

func (p *tab) click(element cdp.BackendNodeID) {
	p.t.Helper()
	p.do(func(ctx context.Context) error {
		if err := dom.ScrollIntoViewIfNeeded().WithBackendNodeID(element).Do(ctx); err != nil {
			return err
		}
		box, err := dom.GetBoxModel().WithBackendNodeID(element).Do(ctx)
		if err != nil {
			return err
		}
		first, opposite := box.Content[0:2], box.Content[4:6]
		return chromedp.MouseClickXY((first[0]+opposite[0])/2, (first[1]+opposite[1])/2).Do(ctx)
	})
}

// text returns what the page says in its first element with the role.
func (p *tab) text(role string) string { return p.textOf("[role=" + role + "]") }

// textOf returns the text of the first element that the selector finds.
func (p *tab) textOf(selector string) (text string) {
	p.t.Helper()
	p.eval(fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector), &text)
	return text
}

// awaitText waits until an element says something that fits.
func (p *tab) awaitText(selector, what string, fits func(string) bool) {
	p.t.Helper()
	var said string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("%s says %q", selector, said)
		}
	}()
	eventually(p.t, patience, what, func() bool {
		said = p.textOf(selector)
		return fits(said)
	})
}
