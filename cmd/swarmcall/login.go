package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

type loginCmd struct {
	URL     string `name:"url" help:"Server, or several of one swarm with commas; default: that of the context, or from SWARMCALL_URL or the settings files." placeholder:"URL"`
	Context string `help:"Named server to store the token for; with --url it is created. Default: the selected one." placeholder:"NAME"`
}

// Run reads a token, checks it with the server, and stores it for later calls.
func (c *loginCmd) Run(ctx context.Context, s streams) error {
	f, err := settings.Read(settings.UserFile())
	if err != nil {
		return err
	}
	at, err := c.place(f)
	if err != nil {
		return err
	}
	urls, err := remote.ParseURLs(at.url, at.from)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(urls, inClear) {
		_, _ = fmt.Fprintf(s.err, "warning: %s does not encrypt the token on its way; use https if the server has it\n",
			remote.Mask(at.url))
	}
	token, err := readToken(ctx, s, at.url)
	if err != nil {
		return err
	}
	who, err := ask(ctx, at, token)
	if err != nil {
		return err
	}
	if err := f.SignIn(at.context, at.url, token); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.err, "signed in to %s as %s\nthe token is in %s; see it in use: swarmcall whoami\n",
		remote.Mask(at.url), describe(who), settings.TokenPath(f.Path, at.context))
	c.checkInForce(s.err, f.Path, at)
	return nil
}

// place is which server a token is for, and where it is stored.
type place struct {
	context   string // "" for the top of the user's file
	url, from string
}

// place finds the server. The project's file does not count: anyone who can write to a repository could otherwise make
// the user send a token to their own server.
func (c *loginCmd) place(f *settings.File) (place, error) {
	if f.Path == "" {
		return place{}, &clierr.Error{
			Code: clierr.Usage, What: "there is no directory for settings of this user",
			Hint: "set XDG_CONFIG_HOME or HOME; or name a file with the token at each call: --token-file",
		}
	}
	if known, ok := f.Contexts[c.Context]; c.Context != "" && (ok || c.URL != "") {
		return place{c.Context, cmp.Or(c.URL, known.URL), cmp.Or(flagName(c.URL), f.Path)}, nil
	}
	found, err := connection{URL: c.URL, Context: c.Context}.settings("")
	if err != nil {
		return place{}, err
	}
	if found.URLOfProject() {
		return place{}, &clierr.Error{
			Code: clierr.Usage, What: "the project's file names the server: no token is sent there unless you name it",
			Detail: []string{"url " + remote.Mask(found.URL.Value) + " from " + found.URL.Origin},
			Hint:   "name it yourself: swarmcall login --context NAME --url URL",
		}
	}
	selected, ours := f.Contexts[found.Context.Value]
	if ours && c.URL != "" && c.URL != selected.URL {
		return place{}, &clierr.Error{
			Code: clierr.Usage, What: fmt.Sprintf("the context %s is selected (from %s), and is another server",
				found.Context.Value, found.Context.Origin),
			Hint: "name the context that the token is for: --context NAME",
		}
	}
	at := place{"", found.URL.Value, found.URL.Origin}
	if ours {
		at.context = found.Context.Value
	}
	return at, nil
}

func flagName(url string) string {
	if url == "" {
		return ""
	}
	return "--url"
}

// inClear reports whether an address sends a token unencrypted over a network.
func inClear(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// readToken asks for a token on a terminal, and else reads it from stdin. There is no flag for it: other users of the
// machine can see flags.
func readToken(ctx context.Context, s streams, address string) (token string, err error) {
	if terminal, ok := s.in.(*os.File); ok && console.IsTTY(s.in) {
		token, err = console.Secret(ctx, terminal, s.err, "token for "+remote.Mask(address)+" (not shown): ")
	} else {
		const most = 64 << 10
		var b []byte
		b, err = io.ReadAll(io.LimitReader(s.in, most))
		token = string(b)
	}
	if errors.Is(err, console.ErrNoAnswer) {
		return "", &clierr.Error{Code: clierr.Interrupted, What: "interrupted; nothing was stored"}
	}
	if err != nil {
		return "", err
	}
	token = strings.TrimSpace(token)
	if why := settings.TokenFault(token); why != "" {
		return "", &clierr.Error{
			Code: clierr.Usage, What: "what was read " + why,
			Hint: "paste the token, or pass it on stdin: swarmcall login < FILE",
		}
	}
	return token, nil
}

// ask checks a token with the server.
func ask(ctx context.Context, at place, token string) (remote.Identity, error) {
	const patience = 5 * time.Second
	server, err := remote.Dial(remote.Config{
		URL: at.url, From: at.from, Token: token, Agent: "swarmcall/" + version,
		Patience: remote.Patience{For: patience},
	})
	if err != nil {
		return remote.Identity{}, err
	}
	defer server.CloseIdle()
	a, err := server.Whoami(ctx)
	if e, ok := errors.AsType[*clierr.Error](err); ok {
		e.What += "; nothing was stored"
	}
	if err == nil && a.Value.Name == swarm.Anonymous {
		err = &clierr.Error{
			Code: clierr.Usage, What: remote.Mask(at.url) + " does not check tokens: everybody is anonymous there",
			Hint: "use it without a token; a server checks tokens if it is started with --auth-file",
		}
	}
	return a.Value, err
}

// describe names who a token belongs to.
func describe(who remote.Identity) string {
	text := console.Safe(who.Name) + ", role " + console.Safe(who.Role)
	if len(who.Scope) > 0 {
		text += ", scope " + console.Safe(remote.LabelsText(who.Scope))
	}
	if who.ExpiresAt != nil {
		text += ", until " + until(who)
	}
	return text
}

// checkInForce warns if later calls will not use what was stored, because something else takes precedence.
func (c *loginCmd) checkInForce(w io.Writer, userFile string, at place) {
	found, err := connection{Context: at.context}.settings("")
	path := settings.TokenPath(userFile, at.context)
	switch {
	case err != nil:
		_, _ = fmt.Fprintf(w, "warning: in this directory the token is not used: %v\n", err)
	case found.TokenFile.Value != path:
		_, _ = fmt.Fprintf(w, "warning: the token is not used, because another takes precedence: from %s\n",
			found.TokenFile.Origin)
	case found.URL.Value != at.url:
		_, _ = fmt.Fprintf(w, "warning: the address %s takes precedence, from %s\n", remote.Mask(found.URL.Value),
			found.URL.Origin)
	}
}
