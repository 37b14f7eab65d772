package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/input"
)

const (
	maxInUse  = 20              // values of one key, or ids, in a line
	inUseTime = 2 * time.Second // limit for details of an error that is already known
)

// Explain adds the labels and ids in use to an error about too few drivers, because a label or an id may be misspelt.
// The server names only labels, and an older one only for a Stop, so Explain reads the roster. Other errors are
// unchanged.
func (c *Client) Explain(ctx context.Context, t *Target, err error) error {
	e, ok := errors.AsType[*clierr.Error](err)
	if !ok || e.Code != clierr.TooFew || t == nil || ctx.Err() != nil {
		return err
	}
	if lines := c.InUse(ctx, *t); len(lines) > 0 {
		e.Detail = lines
	}
	return err
}

// InUse lists the labels and ids that drivers have, for the keys and ids of a target. The list is empty if the roster
// cannot be read: it is only a detail of another error.
func (c *Client) InUse(ctx context.Context, t Target) []string {
	ctx, cancel := context.WithTimeout(ctx, inUseTime)
	defer cancel()
	page, err := c.Drivers(ctx, DriverFilter{})
	if err != nil || len(t.Labels)+len(t.DriverIDs) == 0 {
		return nil
	}
	if len(page.Items) == 0 {
		return []string{"in use: nothing, no driver is known"}
	}
	values, ids := map[string]map[string]bool{}, []string{}
	for _, d := range page.Items {
		ids = append(ids, d.DriverId)
		for key, value := range d.Labels {
			if values[key] == nil {
				values[key] = map[string]bool{}
			}
			values[key][value] = true
		}
	}
	return append(labelsInUse(t.Labels, values), idsInUse(t.DriverIDs, ids)...)
}

func labelsInUse(labels map[string]string, values map[string]map[string]bool) (lines []string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		in := slices.Sorted(maps.Keys(values[key]))
		switch {
		case len(in) > 0 && values[key][labels[key]]:
			lines = append(lines, fmt.Sprintf("in use: %s: %s", key, first(in)))
		case len(in) > 0:
			lines = append(lines, fmt.Sprintf("in use: %s: %s%s", key, first(in), meant(labels[key], in)))
		case len(values) > 0:
			keys := slices.Sorted(maps.Keys(values))
			text := fmt.Sprintf("in use: no driver has the label %s, but %s%s", key, first(keys), meant(key, keys))
			lines = append(lines, text)
		default:
			lines = append(lines, fmt.Sprintf("in use: no driver has the label %s, or any", key))
		}
	}
	return lines
}

func idsInUse(wanted, ids []string) (lines []string) {
	slices.Sort(ids)
	var there []string
	for _, id := range wanted {
		if slices.Contains(ids, id) {
			there = append(there, id)
		}
	}
	if len(there) == len(wanted) && len(there) > 0 {
		return []string{"in use: driver ids: " + first(there)}
	}
	for _, id := range wanted {
		if !slices.Contains(ids, id) {
			lines = append(lines, fmt.Sprintf("in use: no driver has the id %s, but %s%s", id, first(ids),
				meant(id, ids)))
		}
	}
	return lines[:min(len(lines), maxInUse)]
}

// meant suggests the word of the list that is most similar.
func meant(word string, of []string) string {
	if like := input.Nearest(word, of); like != "" {
		return fmt.Sprintf("; did you mean %s?", like)
	}
	return ""
}

// first lists at most maxInUse names.
func first(names []string) string {
	text := strings.Join(names[:min(len(names), maxInUse)], ", ")
	if more := len(names) - maxInUse; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
