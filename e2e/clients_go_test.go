package e2e

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	ghapi "github.com/google/go-github/v75/github"
	"github.com/slack-go/slack"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

// plainClient is an HTTP client whose connections end with the test.
func plainClient(t *testing.T) *http.Client {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func TestGoGitHub(t *testing.T) {
	api := new(github)
	s := newSaaS(t, api)
	api.links = s.api.URL // the client takes the number of the page, and no more
	s.startWith(githubHosts(s.api.URL), s.caddyfile, saasSite)
	client := ghapi.NewClient(plainClient(t))
	base, err := url.Parse(s.url("/saas/"))
	if err != nil {
		t.Fatal(err)
	}
	client.BaseURL, client.UploadURL = base, base.JoinPath("uploads/")

	user, res, err := client.Users.Get(t.Context(), "")
	if err != nil || user.GetLogin() != "octocat" || res.Rate.Remaining != 4321 {
		t.Fatalf("user: %v, %v", user, err)
	}
	s.arrived("GET", "/user", "X-Github-Api-Version", "2022-11-28")
	again, err := client.NewRequest(http.MethodGet, "user", nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Header.Set("If-None-Match", res.Header.Get("Etag"))
	if res, _ := client.Do(t.Context(), again, nil); res == nil || res.StatusCode != http.StatusNotModified {
		t.Errorf("with an ETag: %v", res)
	}

	var titles []string
	opts := new(ghapi.IssueListByRepoOptions)
	for {
		issues, res, err := client.Issues.ListByRepo(t.Context(), "o", "r", opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, issue := range issues {
			titles = append(titles, issue.GetTitle())
		}
		if opts.ListOptions.Page = res.NextPage; res.NextPage == 0 {
			break
		}
	}
	if got := strings.Join(titles, ","); got != "issue 1,issue 2,issue 3" {
		t.Errorf("pages: %s", got)
	}

	_, _, err = client.Issues.Get(t.Context(), "o", "r", 404)
	if missing, ok := errors.AsType[*ghapi.ErrorResponse](err); !ok || missing.Message != "Not Found" {
		t.Errorf("an error's body: %v", err)
	}
	upload, err := client.NewUploadRequest("repos/o/r/releases/1/assets?name=a.bin", strings.NewReader("0123456789"), 10, "application/x-own")
	if err != nil {
		t.Fatal(err)
	}
	asset := new(ghapi.ReleaseAsset)
	_, err = client.Do(t.Context(), upload, asset)
	if err != nil || asset.GetSize() != 10 || asset.GetContentType() != "application/x-own" {
		t.Errorf("upload: %v, %v", asset, err)
	}
	_, _, err = client.Repositories.Get(t.Context(), "o", "limited")
	if limited, ok := errors.AsType[*ghapi.RateLimitError](err); !ok || limited.Rate.Reset.Year() != 2100 {
		t.Errorf("at the limit: %v", err)
	}
}

func TestGoSlack(t *testing.T) {
	s := startSaaS(t, new(slackAPI))
	client := slack.New("", slack.OptionAPIURL(s.url("/saas/api/")), slack.OptionHTTPClient(plainClient(t)))
	if who, err := client.AuthTestContext(t.Context()); err != nil || who.User != "bot" {
		t.Errorf("auth.test: %v, %v", who, err)
	}
	if _, at, err := client.PostMessageContext(t.Context(), "C1", slack.MsgOptionText("grüße & <b>", true)); err != nil || at != "1.000200" {
		t.Errorf("chat.postMessage: %s, %v", at, err)
	}
	if _, _, err := client.PostMessageContext(t.Context(), "nowhere", slack.MsgOptionText("x", false)); err == nil || err.Error() != "channel_not_found" {
		t.Errorf("an error's text: %v", err)
	}
	first, cursor, err := client.GetConversationsContext(t.Context(), new(slack.GetConversationsParameters))
	if err != nil || len(first) != 1 || cursor != "dGVhbTpD" {
		t.Fatalf("first page: %v, %s, %v", first, cursor, err)
	}
	second, _, err := client.GetConversationsContext(t.Context(), &slack.GetConversationsParameters{Cursor: cursor})
	if err != nil || len(second) != 1 || second[0].ID != "C2" {
		t.Errorf("second page: %v, %v", second, err)
	}
	_, err = client.GetUserInfoContext(t.Context(), "U1")
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); !ok || limited.RetryAfter != 30*time.Second {
		t.Errorf("at the limit: %v", err)
	}
}

// Google's clients put uploads at the root of the host, so that the API has a site of its own here.
func TestGoGoogleDrive(t *testing.T) {
	s := newSaaS(t, new(driveAPI))
	s.startWith("host main "+s.api.URL, s.caddyfile, "\ttoken_proxy saas/auth")
	service, err := drive.NewService(t.Context(), option.WithEndpoint(s.url("/drive/v3/")), option.WithHTTPClient(plainClient(t)))
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("guten Tag ", 100)
	file, err := service.Files.Create(&drive.File{Name: "a.txt"}).Media(strings.NewReader(content), googleapi.ContentType("text/plain")).Do()
	if err != nil || file.Size != int64(len(content)) {
		t.Fatalf("upload: %v, %v", file, err)
	}
	s.arrived("POST", "/upload/drive/v3/files", "X-Goog-Api-Client", file.Description)

	var names []string
	err = service.Files.List().Fields("nextPageToken", "files(name)").Pages(t.Context(), func(l *drive.FileList) error {
		for _, f := range l.Files {
			names = append(names, f.Name)
		}
		return nil
	})
	if err != nil || strings.Join(names, ",") != "one,two" {
		t.Errorf("pages: %v, %v", names, err)
	}
	if _, err := service.Files.Get("one").IfNoneMatch(`"v1"`).Do(); !googleapi.IsNotModified(err) {
		t.Errorf("with an ETag: %v", err)
	}
	_, err = service.Files.Get("missing").Do()
	if failed, ok := errors.AsType[*googleapi.Error](err); !ok || failed.Code != 404 || failed.Errors[0].Reason != "notFound" {
		t.Errorf("an error's body: %v", err)
	}
	res, err := service.Files.Get("one").Download()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ContentLength != 4 || res.Header.Get("X-Goog-Hash") == "" {
		t.Errorf("download: %v", res.Header)
	}
}
