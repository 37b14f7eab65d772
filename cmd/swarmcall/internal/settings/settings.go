// Package settings finds the server and the submitter: flag before environment before project file before user file
// before default. A context is a named server; its values have the priority just below the source that selected it.
package settings

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DefaultURL is the address of a server with default flags.
const DefaultURL = "http://127.0.0.1:8080"

// Value is a setting and its source.
type Value struct {
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// Settings are the values in force.
type Settings struct {
	URL       Value `json:"url"`
	TokenFile Value `json:"token_file"`
	CAFile    Value `json:"ca_file"`
	Submitter Value `json:"submitter"`
	Context   Value `json:"context"`

	projectURL bool
}

// Input is what Resolve needs.
type Input struct {
	URL, TokenFile, CAFile, Submitter, Context string                     // flags; empty: not given
	Env                                        func(string) string        // os.Getenv
	Who                                        func() (user, host string) // of this process; empty: unknown
	// directory where the search for the project file starts
	Dir      string
	UserFile string // its path; empty: there is none
}

// layer is one source that may set values, and select a context.
type layer struct {
	url, tokenFile, caFile, submitter, context string
	origin                                     func(name string) string
}

// Resolve reads the files and returns the settings in force.
func Resolve(in Input) (Settings, error) {
	project, err := readProject(in.Dir)
	if err != nil {
		return Settings{}, err
	}
	user, err := Read(in.UserFile)
	if err != nil {
		return Settings{}, err
	}
	contexts := contextsOf(project, user)
	s := Settings{}
	for _, l := range []layer{
		{in.URL, in.TokenFile, in.CAFile, in.Submitter, in.Context,
			func(name string) string { return "--" + strings.ReplaceAll(name, "_", "-") }},
		{in.Env("SWARMCALL_URL"), in.Env("SWARMCALL_TOKEN_FILE"), in.Env("SWARMCALL_CA_FILE"), "",
			in.Env("SWARMCALL_CONTEXT"),
			func(name string) string {
				return "SWARMCALL_" + strings.ToUpper(name)
			}},
		project.layer(), user.layer(),
	} {
		s.take(l)
		if l.context == "" || s.Context.Value != l.context || s.Context.Origin != l.origin("context") {
			continue // none, or a source of higher priority has selected another
		}
		c, known := contexts[l.context]
		if !known {
			return s, unknownContext(s.Context, contexts)
		}
		s.take(c)
	}
	s.take(layer{url: DefaultURL, submitter: in.defaultSubmitter(), origin: func(string) string { return "default" }})
	s.projectURL = project.chose(s.URL.Origin)
	return s, s.guardToken(project, user)
}

// URLOfProject reports whether the project's file names the server.
func (s Settings) URLOfProject() bool { return s.projectURL }

// take sets the values that are not set yet.
func (s *Settings) take(l layer) {
	for _, v := range []struct {
		into *Value
		from string
		name string
	}{{&s.URL, l.url, "url"}, {&s.TokenFile, l.tokenFile, "token_file"},
		{&s.CAFile, l.caFile, "ca_file"}, {&s.Submitter, l.submitter,
			"submitter"}, {&s.Context, l.context, "context"}} {
		if v.into.Value == "" && v.from != "" {
			*v.into = Value{v.from, l.origin(v.name)}
		}
	}
}

// Sender returns the submitter that requests name; "" with a token, because the server knows whose it is, unless a flag
// asks for a name: then the server says whether the token allows it.
func (s Settings) Sender() string {
	if s.TokenFile.Value != "" && s.Submitter.Origin != "--submitter" {
		return ""
	}
	return s.Submitter.Value
}

// guardToken protects the user's token from a project: anyone who can write to a repository could otherwise have the
// token sent to their own server, or to one that only their CA file makes look like the user's. The server that the
// user's file itself names beside the token gets it.
func (s *Settings) guardToken(project, user *File) error {
	if s.TokenFile.Value == "" || project.chose(s.TokenFile.Origin) {
		return nil
	}
	if s.TokenFile.Origin == "--token-file" || strings.HasPrefix(s.TokenFile.Origin, "SWARMCALL_") {
		return nil // given on purpose, for this call
	}
	if !project.chose(s.URL.Origin) || user.urlOf(s.TokenFile.Origin) == s.URL.Value {
		return s.guardFromRoots(project)
	}
	return &clierr.Error{
		Code: clierr.Usage, What: "the project's file names the server, but the token comes from your own " +
			"settings: it is not sent there",
		Detail: []string{"url from " + s.URL.Origin, "token from " + s.TokenFile.Origin},
		Hint:   "name the server yourself: --url or SWARMCALL_URL, or swarmcall context use NAME",
	}
}

// guardFromRoots is the part of guardToken for a server that the user named.
func (s *Settings) guardFromRoots(project *File) error {
	if !project.chose(s.CAFile.Origin) {
		return nil
	}
	return &clierr.Error{
		Code: clierr.Usage, What: "the project's file names the CA file, but the token comes from your own " +
			"settings: it is not sent to servers that this CA file vouches for",
		Detail: []string{"ca_file from " + s.CAFile.Origin, "token from " + s.TokenFile.Origin},
		Hint:   "name the CA file yourself: --ca-file or SWARMCALL_CA_FILE, or in your own settings",
	}
}

// defaultSubmitter returns the submitter if none was set: the repository in a pipeline, else the user and the machine.
func (in Input) defaultSubmitter() string {
	env := in.Env
	if repository := cmp.Or(env("GITHUB_REPOSITORY"), env("CI_PROJECT_PATH")); repository != "" {
		return "ci/" + fit(repository)
	}
	user, host := in.Who()
	name := fit(cmp.Or(env("USER"), env("LOGNAME"), env("USERNAME"), user))
	return fit(cmp.Or(strings.TrimLeft(name, "._:@/-"), "unknown") + "@" + cmp.Or(host, "unknown"))
}

// fit replaces characters that a submitter must not have.
func fit(s string) string {
	const most = 120
	s = strings.Map(func(r rune) rune {
		if swarm.ValidSubmitter("a" + string(r)) {
			return r
		}
		return '-'
	}, s)
	return s[:min(len(s), most)]
}

// Token reads the token file; empty when none is set.
func (s Settings) Token() (string, error) {
	if s.TokenFile.Value == "" {
		return "", nil
	}
	named := "the file is named by " + s.TokenFile.Origin
	b, err := os.ReadFile(s.TokenFile.Value)
	if err != nil {
		return "", &clierr.Error{Code: clierr.Auth, What: "cannot read the token", Cause: err, Hint: named}
	}
	token := strings.TrimSpace(string(b))
	if why := TokenFault(token); why != "" {
		return "", &clierr.Error{
			Code: clierr.Usage, What: "no usable token: " + s.TokenFile.Value + " " + why, Hint: named,
		}
	}
	return token, nil
}

// maxCABytes limits how much of a CA file is read.
const maxCABytes = 1 << 20

// Roots reads the CA file; nil when none is set, for the root CAs of the system.
func (s Settings) Roots() (*x509.CertPool, error) {
	if s.CAFile.Value == "" {
		return nil, nil
	}
	fail := func(err error) (*x509.CertPool, error) {
		return nil, &clierr.Error{
			Code: clierr.Usage, What: "cannot use the CA file", Cause: err,
			Hint: "the file is named by " + s.CAFile.Origin,
		}
	}
	f, err := os.Open(s.CAFile.Value)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxCABytes))
	if err != nil {
		return fail(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		return fail(fmt.Errorf("%s has no certificate in PEM form", s.CAFile.Value))
	}
	return roots, nil
}

// TokenFault describes the error of a token without revealing any of it; "" if there is none.
func TokenFault(token string) string {
	switch {
	case token == "":
		return "is empty"
	case strings.ContainsAny(token, "\r\n"):
		return "has more than one line"
	case strings.ContainsFunc(token, func(r rune) bool { return r < '!' || r > '~' }):
		return "has characters that a token cannot have: blanks, control characters, or non-ASCII characters"
	}
	return ""
}
