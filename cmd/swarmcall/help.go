package main

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/input"
)

//go:embed help
var topics embed.FS

// helpCmd explains topics that concern several commands.
type helpCmd struct {
	Topic []string `arg:"" optional:"" help:"exit-codes, environment, output, plans, or a command."`
}

// Run prints a topic, or the help of a command.
func (c *helpCmd) Run(_ context.Context, s streams) error {
	if len(c.Topic) == 0 {
		_, err := parse([]string{"--help"}, s.out)
		return err
	}
	if text, err := topics.ReadFile("help/" + c.Topic[0] + ".txt"); err == nil && !strings.Contains(c.Topic[0], "/") {
		_, err := s.out.Write(text)
		return err
	}
	if _, err := parse(append(c.Topic, "--help"), s.out); err != nil {
		what := fmt.Sprintf("there is no help on %q", strings.Join(c.Topic, " "))
		if like := input.Nearest(c.Topic[0], helpTopics()); like != "" && like != c.Topic[0] {
			what += fmt.Sprintf(", did you mean %q?", like)
		}
		return &clierr.Error{
			Code: clierr.Usage, What: what,
			Hint: "topics: exit-codes, environment, output, plans; commands: swarmcall --help",
		}
	}
	return nil
}
