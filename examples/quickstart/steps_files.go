package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// The file that is uploaded.
const (
	fileName    = "hello.txt"
	fileContent = "Hello from the quickstart."
)

func uploadStep() step {
	return step{
		name: "Upload a file, without a token",
		text: "Requests below /dropbox/ are forwarded to the API, and Caddy attaches the token on the way. " +
			"The client needs none, and sees none.",
		run: func(ctx context.Context, d *demo, p *printer) (string, error) {
			if _, err := d.forward(ctx, p, d.uploadCall(), "path_display", "size", "content_hash"); err != nil {
				return "", err
			}
			return "arrived at the content host: the preset knows which paths belong there", nil
		},
	}
}

func listStep() step {
	return step{
		name: "List the folder, without a token",
		text: "The same route, and the other host of the API.",
		run: func(ctx context.Context, d *demo, p *printer) (string, error) {
			a, err := d.forward(ctx, p, d.listCall(), listed...)
			if err != nil {
				return "", err
			}
			return fileName + " is in the folder", wantsFile(a)
		},
	}
}

func downloadStep() step {
	return step{
		name: "Download the file, without a token",
		text: "What comes back is what was sent.",
		run: func(ctx context.Context, d *demo, p *printer) (string, error) {
			a, err := d.forward(ctx, p, d.downloadCall())
			if err != nil {
				return "", err
			}
			if string(a.body) != fileContent {
				return "", unexpected{want: fmt.Sprintf("%q", fileContent), got: fmt.Sprintf("%q", shown(a.body))}
			}
			return fmt.Sprintf("%d bytes, the same ones", len(a.body)), nil
		},
	}
}

// forward shows a call, sends it, shows these members of the answer, and expects it to succeed.
func (d *demo) forward(ctx context.Context, p *printer, c call, members ...string) (answer, error) {
	p.command(c.curl())
	a, err := c.send(ctx, d.client)
	if err != nil {
		return a, err
	}
	p.answer(a, members...)
	return a, a.wantsOK()
}

func (d *demo) uploadCall() call {
	return call{
		method: http.MethodPost, url: d.site() + "/dropbox/2/files/upload", body: fileContent,
		header: []field{
			{"Dropbox-API-Arg", `{"path":"/` + fileName + `","mode":"overwrite"}`},
			{"Content-Type", "application/octet-stream"},
		},
	}
}

func (d *demo) listCall() call {
	return call{
		method: http.MethodPost, url: d.site() + "/dropbox/2/files/list_folder", body: `{"path":""}`,
		header: []field{{"Content-Type", "application/json"}},
	}
}

func (d *demo) downloadCall() call {
	return call{
		method: http.MethodPost, url: d.site() + "/dropbox/2/files/download",
		header: []field{{"Dropbox-API-Arg", `{"path":"/` + fileName + `"}`}},
	}
}

// listed are the members of a listing that are shown.
var listed = []string{"entries.0.name", "entries.0.size", "has_more"}

// wantsFile returns an error unless the file is in a listing.
func wantsFile(a answer) error {
	var listing struct {
		Entries []struct {
			Name string `json:"name"`
			Size int    `json:"size"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(a.body, &listing); err != nil {
		return unexpected{want: "a listing", got: shown(a.body)}
	}
	for _, e := range listing.Entries {
		if e.Name == fileName && e.Size == len(fileContent) {
			return nil
		}
	}
	return unexpected{want: fmt.Sprintf("%s with %d bytes in the listing", fileName, len(fileContent)), got: shown(a.body)}
}
