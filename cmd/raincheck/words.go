package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	_ "time/tzdata" // a machine without zones of its own, such as Windows

	"raincheck/pkg/aws/table"
	"raincheck/pkg/email"
	"raincheck/pkg/site"
)

// wordsCmd is about what pages and mails say of the site.
type wordsCmd struct {
	Check   wordsCheckCmd   `cmd:"" help:"Check a file, and say what visitors would see and miss."`
	Set     wordsSetCmd     `cmd:"" help:"Check a file and store it: on every page within two minutes."`
	Example wordsExampleCmd `cmd:"" help:"Print a file to begin with."`
}

// wordsFile is the file of settings, as an argument.
type wordsFile struct {
	File string `arg:"" placeholder:"FILE" help:"The file of settings, as JSON; 'raincheck words example' prints one."`
}

// read parses the file; what is wrong with it is the caller's.
func (f wordsFile) read(e *env) (map[string]site.Words, error) { return readWords(e, f.File) }

func readWords(e *env, name string) (map[string]site.Words, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, badInput("reading the words: %w", err)
	}
	var tags []string
	for _, l := range email.Languages() {
		tags = append(tags, l.Tag)
	}
	all, err := site.Parse(data, site.Source{Languages: tags, Now: e.now(), Read: func(beside string) ([]byte, error) {
		if !filepath.IsAbs(beside) {
			beside = filepath.Join(filepath.Dir(name), beside)
		}
		return os.ReadFile(beside)
	}})
	if err != nil {
		return nil, badInput("reading the words in %s:\n  %s", name, strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return all, nil
}

// describe prints what visitors see: the default language, then each language in
// which something else is said.
func describe(w io.Writer, all map[string]site.Words) {
	common := all[email.DefaultLanguage]
	show := func(tag string, s site.Words) {
		fmt.Fprintf(w, "%-4s %s\n", tag, s.Name)
		for _, line := range [][2]string{
			{"ask", strings.TrimSpace(s.Contact + " " + s.Telephone)}, {"privacy", s.Privacy}, {"link", s.URL},
			{"times", strings.TrimSpace(cmp.Or(s.Zone.Name, "UTC") + " " + s.ZoneName)},
		} {
			if line[1] != "" {
				fmt.Fprintf(w, "     %-8s %s\n", line[0], line[1])
			}
		}
	}
	show(email.DefaultLanguage, common)
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if s := all[tag]; !reflect.DeepEqual(s, common) {
			show(tag, s)
		}
	}
	light, dark := common.Colour.Light(), common.Colour.Dark()
	fmt.Fprintf(w, "colour: light: button %s with text %s (contrast %.1f), links %s; dark: %s with text %s (contrast %.1f)\n",
		light.Fill, light.Text, site.Contrast(light.Fill, light.Text), light.Link, dark.Fill, dark.Text, site.Contrast(dark.Fill, dark.Text))
	if common.Logo != "" {
		fmt.Fprintf(w, "logo: %d bytes of at most %d\n", len(common.Logo), site.MaxLogo)
	}
	for _, warning := range common.Warnings() {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

// wordsCheckCmd checks a file.
type wordsCheckCmd struct{ wordsFile }

// Run checks.
func (c *wordsCheckCmd) Run(e *env) error {
	all, err := c.read(e)
	if err == nil {
		describe(e.stdout, all)
	}
	return err
}

// wordsSetCmd stores a file.
type wordsSetCmd struct {
	deployed
	apply
	wordsFile
}

// Help is shown by --help.
func (c *wordsSetCmd) Help() string {
	return "The file replaces everything that was set before, in all languages. None of it is a parameter of the stack: no deploy is needed. " +
		"A local instance reads the same file: raincheck local --words FILE."
}

// Run stores.
func (c *wordsSetCmd) Run(e *env) error {
	all, err := c.read(e)
	if err != nil {
		return err
	}
	s, err := c.session(e)
	if err != nil {
		return err
	}
	out, err := s.Need(outTable)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "On the stack %s:\n", s.Name)
	describe(e.stdout, all)
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	line := table.New(s.cfg, out[0])
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if err := line.SaveWords(e.ctx, tag, all[tag]); err != nil {
			return awsWords(fmt.Errorf("writing the words of %s (those before it, in the order of their tags, are written; run it again): %w", tag, err))
		}
	}
	fmt.Fprintln(e.stdout, "Done. On every page within two minutes, and in the mails from then on.")
	return nil
}

// wordsExampleCmd prints a file to begin with.
type wordsExampleCmd struct{}

// Run prints it.
func (wordsExampleCmd) Run(e *env) error {
	_, err := io.WriteString(e.stdout, site.Example)
	return err
}
