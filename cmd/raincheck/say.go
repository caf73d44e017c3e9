package main

import (
	"fmt"

	"github.com/alecthomas/kong"

	"raincheck/pkg/operator"
)

// sayCmd puts a message on every page of the waiting room.
type sayCmd struct {
	where
	apply
	Text  string       `arg:"" optional:"" help:"Plain text of at most 200 characters, in the default language."`
	Lang  translations `placeholder:"TAG TEXT" help:"The same in another language: --lang es \"Volvemos a las 6\"."`
	Until string       `placeholder:"TIME" help:"When it ends by itself: 18:00 by this machine's clock, 90m from now, or 2026-03-04T18:00:00Z. Four hours by default."`
	Clear bool         `help:"Take the message off."`
}

// Help is shown by --help.
func (c *sayCmd) Help() string {
	return "The message is on every page and in the embedded form within two minutes. A language without a text shows that of the default language. A new message replaces the old one."
}

// translations are texts by language.
type translations map[string]string

// Decode reads the two words of --lang.
func (t *translations) Decode(ctx *kong.DecodeContext) error {
	var tag, text string
	if err := ctx.Scan.PopValueInto("TAG", &tag); err != nil {
		return err
	}
	if err := ctx.Scan.PopValueInto("TEXT", &text); err != nil {
		return err
	}
	if *t == nil {
		*t = translations{}
	}
	(*t)[tag] = text
	return nil
}

// Run says it.
func (c *sayCmd) Run(e *env) error {
	if c.Clear == (c.Text != "") {
		return badInput("name a text, or --clear to take the message off")
	}
	until, err := operator.ParseEnd(c.Until, e.now())
	if err != nil {
		return badInput("--until %s: %w", c.Until, err)
	}
	p, err := c.plane(e)
	if err != nil {
		return err
	}
	now, err := p.status(e.ctx)
	if err != nil {
		return err
	}
	who, _ := e.lookup("USER")
	change := operator.Change{Say: &operator.Message{Text: c.Text, Translations: c.Lang, Until: until, By: who}}
	after, err := change.To(now.Control, now.Now)
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(e.stdout, "On %s:\n  said: %s\n     → %s\n", p.name(), operator.SaidText(now.Control, now.Now), operator.SaidText(after, now.Now))
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	if err := p.change(e.ctx, change); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "Done. On every page within two minutes; `raincheck status` shows it.")
	return nil
}
