package main

import (
	"context"
	"errors"

	"github.com/cairnml/cairn/internal/autolog"
)

type pluginCommands struct {
	List   pluginsList   `cmd:"" help:"List the autolog adapters of this program."`
	Verify pluginsVerify `cmd:"" help:"Check the digest of every adapter, and that it starts."`
}

type pluginsList struct {
	listing
}

func (p *pluginsList) Run(ctx context.Context, std streams) error {
	adapters, err := autolog.ListAdapters(ctx)
	if err != nil {
		return err //nolint:wrapcheck // said by the agent
	}
	return showAdapters(std, p.JSON, adapters)
}

type pluginsVerify struct {
	listing
}

func (p *pluginsVerify) Run(ctx context.Context, std streams) error {
	adapters, err := autolog.VerifyAdapters(ctx)
	if adapters == nil {
		return err //nolint:wrapcheck // said by the agent
	}
	return errors.Join(showAdapters(std, p.JSON, adapters), err)
}

func showAdapters(std streams, asJSON bool, adapters []autolog.AdapterStatus) error {
	if asJSON {
		return putJSON(std.out, adapters)
	}
	t := newTable("ADAPTER", "VERSION", "FRAMEWORK", "PATH", "STATE")
	for _, a := range adapters {
		state := "ok"
		if a.Problem != "" {
			state = a.Problem
		}
		framework := a.Distribution
		if a.FrameworkRange != "" {
			framework += " " + a.FrameworkRange
		}
		t.add(a.Name, a.Version, framework, a.Path, state)
	}
	return t.write(std.out)
}
