package standin

import (
	"net/http"
	"strings"
)

// Account is a person with an account at the SaaS. Each has files of their own.
type Account struct {
	ID    string // Dropbox's account_id
	UID   string // Dropbox's older, numeric ID
	Name  string
	Email string
}

func madeUpAccount() Account {
	return Account{
		ID:    "dbid:standin-ada-00000000000000000000001",
		UID:   "1000001",
		Name:  "Ada Example",
		Email: "ada@example.com",
	}
}

// account returns the account with that ID, or else the first one.
func (s *Server) account(id string) Account {
	for _, a := range s.opts.Accounts {
		if a.ID == id {
			return a
		}
	}
	return s.opts.Accounts[0]
}

// choose returns the account that the person picked, or else the one that the
// request hinted at, or else the first.
func (s *Server) choose(picked string, a authorization) Account {
	if picked != "" {
		return s.account(picked)
	}
	for _, account := range s.opts.Accounts {
		if a.LoginHint != "" && (account.Email == a.LoginHint || account.ID == a.LoginHint) {
			return account
		}
	}
	return s.opts.Accounts[0]
}

// currentAccount is /2/users/get_current_account.
func (s *Server) currentAccount(w http.ResponseWriter, _ *http.Request, t *accessToken) *apiError {
	a := s.account(t.accountID)
	given, family, _ := strings.Cut(a.Name, " ")
	var initials strings.Builder
	for word := range strings.FieldsSeq(a.Name) {
		initials.WriteRune([]rune(word)[0])
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"account_id": a.ID,
		"name": map[string]string{
			"given_name":       given,
			"surname":          family,
			"familiar_name":    given,
			"display_name":     a.Name,
			"abbreviated_name": initials.String(),
		},
		"email":          a.Email,
		"email_verified": true,
		"disabled":       false,
		"locale":         "en",
		"referral_link":  "https://example.com/referrals/" + a.UID,
		"is_paired":      false,
		"account_type":   tag("basic"),
		"root_info": map[string]string{
			".tag":              "user",
			"root_namespace_id": a.UID,
			"home_namespace_id": a.UID,
		},
	})
	return nil
}
