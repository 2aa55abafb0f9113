//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

const (
	registryModels   = 10_000
	registryVersions = 10
	// championVersion has the alias, productionVersion the stage.
	championVersion   = registryVersions - 1
	productionVersion = registryVersions - 2
	// registryTickets is how many values the tag has by which few versions are found.
	registryTickets = 1000
	// registryPage is how many versions are on a page of those that many have.
	registryPage = 50
	// registryBound and registrySearchBound are in milliseconds, of requests to one model and of a search of versions.
	registryBound       = 3
	registrySearchBound = 10
)

var registryTeams = []string{"red", "green", "blue"}

func registryModel(n int) string { return fmt.Sprintf("model-%06d", n) }

func versionTeam(model, version int) string { return registryTeams[(model+version)%3] }

func versionTicket(model, version int) string {
	return fmt.Sprintf("T-%d", (model*registryVersions+version)*7919%registryTickets)
}

// seedRegistry loads registered models as an import does, some at a time.
func seedRegistry(ctx context.Context, location string, s size) (done seeded, err error) {
	db, err := store.Open(ctx, store.Config{URL: location})
	if err != nil {
		return seeded{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	directory, err := os.MkdirTemp("", "cairn-bench-")
	if err != nil {
		return seeded{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	files, err := artifact.Open(directory)
	if err != nil {
		return seeded{}, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	models := registry.New(db, live.NewHub(), artifact.NewService(files, db))
	done.Models = s.of(registryModels)
	done.Versions = done.Models * registryVersions
	failures := make([]error, 8*runtime.GOMAXPROCS(0))
	var next atomic.Int64
	var group sync.WaitGroup
	for i := range failures {
		group.Go(func() {
			for n := int(next.Add(1)) - 1; n < done.Models && failures[i] == nil; n = int(next.Add(1)) - 1 {
				failures[i] = models.Load(ctx, loadedModel(n), "seeded")
			}
		})
	}
	group.Wait()
	for n := range done.Models {
		for v := 1; v <= registryVersions; v++ {
			if versionTicket(n, v) == versionTicket(0, 1) {
				done.Matches++
			}
		}
	}
	return done, errors.Join(failures...)
}

func loadedModel(n int) registry.LoadModel {
	created := int64(started + n*registryVersions)
	m := registry.LoadModel{
		Name: registryModel(n), Description: "a model of the benchmark", CreatedAt: created, UpdatedAt: created + registryVersions,
		Tags: []tracking.Tag{{Key: "team", Value: registryTeams[n%3]}}, NextVersion: registryVersions + 1,
		Aliases: map[string]int{"champion": championVersion},
	}
	for v := 1; v <= registryVersions; v++ {
		stage := registry.StageNone
		switch {
		case v == productionVersion:
			stage = registry.StageProduction
		case v < productionVersion:
			stage = registry.StageArchived
		}
		m.Versions = append(m.Versions, registry.LoadVersion{
			CreateVersion: registry.CreateVersion{
				Source: fmt.Sprintf("s3://models/%06d/%d", n, v), Description: "a version",
				Tags: []tracking.Tag{{Key: "team", Value: versionTeam(n, v)}, {Key: "ticket", Value: versionTicket(n, v)}},
			},
			Version: v, Stage: stage, Status: modelversion.StatusREADY, CreatedAt: created + int64(v), UpdatedAt: created + int64(v),
		})
	}
	return m
}

var registryProfile = section{
	name: "registry", title: "Profile registry: 10,000 registered models with 10 versions each", sized: true, disk: 1e9, everywhere: true,
	about: "Loaded as an import loads them: each model with a version in Production, seven archived, and an alias; each version with two tags.\n" +
		"Requests go to one model after another. `models:/NAME@champion` and `models:/NAME/Production` are what MLflow's client asks to load such\n" +
		"a model: which version that is, and then where its files lie. Of the tags that are searched, one has 1,000 values and one has three;\n" +
		"in REST the first is asked for as MLflow's client asks, with all that match, the second in pages of 50, as both are in GraphQL.",
	run: func(ctx context.Context, b *bench) error {
		done, err := b.seed(ctx, "versions", func(s seeded) int { return s.Versions })
		if err != nil {
			return err
		}
		b.take.Scale = fmt.Sprintf("%s models, %s versions", thousands(int64(done.Models)), thousands(int64(done.Versions)))
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		defer stopAll([]*server{s})
		for _, r := range registryRequests(done) {
			b.latency(ctx, s, r.name, []request{r.request}, r.bound)
		}
		return errors.Join(b.memory(s), s.stop())
	},
}

type registryRequest struct {
	name    string
	request request
	bound   float64
}

// registryRequests are what is measured. Those that read come first, while all is as it was loaded.
func registryRequests(done seeded) []registryRequest {
	model := func(n int) string { return registryModel(n * 7919 % done.Models) }
	inTurns := func(n int) int { return 1 + n%registryVersions }
	ticket := fmt.Sprintf("tags.ticket = '%s'", versionTicket(0, 1))
	const team = "tags.team = 'red'"
	many := 0
	for n := range done.Models {
		for v := 1; v <= registryVersions; v++ {
			if versionTeam(n, v) == registryTeams[0] {
				many++
			}
		}
	}
	many = min(registryPage, many)
	return []registryRequest{
		{"models:/NAME@champion, REST", resolves(model, func(c *conn, name string) (int, []byte, error) {
			return c.get(api + "registered-models/alias?" + url.Values{"name": {name}, "alias": {"champion"}}.Encode())
		}, championVersion), registryBound},
		{"models:/NAME/Production, REST", resolves(model, func(c *conn, name string) (int, []byte, error) {
			return c.post(api+"registered-models/get-latest-versions", fmt.Appendf(nil, `{"name":%q,"stages":["Production"]}`, name))
		}, productionVersion), registryBound},
		{"models:/NAME@champion, GraphQL", asksOf(resolveQuery, func(n int) any {
			return map[string]any{"uri": "models:/" + model(n) + "@champion"}
		}, contains(fmt.Sprintf(`"version":%d`, championVersion))), registryBound},
		{"models:/NAME/Production, GraphQL", asksOf(resolveQuery, func(n int) any {
			return map[string]any{"uri": "models:/" + model(n) + "/Production"}
		}, contains(fmt.Sprintf(`"version":%d`, productionVersion))), registryBound},
		{"versions by a tag of few, REST", searchesVersions(ticket, 10_000, done.Matches), registrySearchBound},
		{"versions by a tag of many, REST", searchesVersions(team, registryPage, many), registrySearchBound},
		{"versions by a tag of few, GraphQL", asksOf(versionsQuery, func(int) any { return map[string]any{"filter": ticket} },
			versions(`"version":`, min(registryPage, done.Matches))), registrySearchBound},
		{"versions by a tag of many, GraphQL", asksOf(versionsQuery, func(int) any { return map[string]any{"filter": team} },
			versions(`"version":`, many)), registrySearchBound},
		{"set an alias, REST", posts(api+"registered-models/alias", func(n int) []byte {
			return fmt.Appendf(nil, `{"name":%q,"alias":"challenger","version":"%d"}`, model(n), inTurns(n))
		}, nil), registryBound},
		{"set an alias, GraphQL", asksOf(aliasMutation, func(n int) any {
			return map[string]any{"name": model(n), "version": inTurns(n)}
		}, nil), registryBound},
		{"transition, REST", posts(api+"model-versions/transition-stage", func(n int) []byte {
			return fmt.Appendf(nil, `{"name":%q,"version":"%d","stage":"Production","archive_existing_versions":true}`, model(n), inTurns(n))
		}, contains(`"current_stage":"Production"`)), registryBound},
		{"transition, GraphQL", asksOf(transitionMutation, func(n int) any {
			return map[string]any{"input": map[string]any{"name": model(n), "version": inTurns(n), "stage": "Staging", "archiveExistingVersions": true}}
		}, contains(`"stage":"Staging"`)), registryBound},
	}
}

const (
	resolveQuery  = `query Resolve($uri: String!) { modelVersion(uri: $uri) { name version stage artifactLocation } }`
	versionsQuery = `query Versions($filter: String!) {
	modelVersions(filter: $filter, first: 50) { edges { node { name version stage updatedAt tags { key value } } } pageInfo { hasNextPage endCursor } }
}`
	aliasMutation = `mutation Alias($name: String!, $version: Int!) {
	setRegisteredModelAlias(name: $name, alias: "challenger", version: $version) { name }
}`
	transitionMutation = `mutation Transition($input: TransitionModelVersionStageInput!) { transitionModelVersionStage(input: $input) { version stage } }`
)

// asksOf is a request of GraphQL with other variables each time.
func asksOf(query string, variables func(n int) any, check func(answer []byte) error) request {
	return posts("/graphql", func(n int) []byte {
		body, err := json.Marshal(map[string]any{"query": query, "variables": variables(n)})
		if err != nil {
			panic(err) // maps of texts and numbers always encode
		}
		return body
	}, func(answer []byte) error {
		if err := graphqlError(answer); err != nil || check == nil {
			return err
		}
		return check(answer)
	})
}

func contains(text string) func([]byte) error {
	return func(answer []byte) error {
		if !bytes.Contains(bytes.ReplaceAll(answer, []byte(`": `), []byte(`":`)), []byte(text)) {
			return fmt.Errorf("no %s in %.300s", text, answer)
		}
		return nil
	}
}

// versions checks how many versions there are in an answer, each of which has a field.
func versions(field string, count int) func([]byte) error {
	return func(answer []byte) error {
		if found := bytes.Count(answer, []byte(field)); found != count {
			return fmt.Errorf("%d versions, not %d", found, count)
		}
		return nil
	}
}

// resolves is what MLflow's client does before it loads a model: it finds the version, and where that lies.
func resolves(model func(n int) string, find func(c *conn, name string) (int, []byte, error), version int) request {
	found := contains(fmt.Sprintf(`"version":"%d"`, version))
	return func(c *conn, n int) error {
		name := model(n)
		status, answer, err := find(c, name)
		if err := answered(status, answer, err, found); err != nil {
			return err
		}
		query := url.Values{"name": {name}, "version": {strconv.Itoa(version)}}
		status, answer, err = c.get(api + "model-versions/get-download-uri?" + query.Encode())
		return answered(status, answer, err, contains("s3://models/"))
	}
}

// searchesVersions is a search of versions through MLflow's REST API.
func searchesVersions(filter string, results, count int) request {
	query := url.Values{"filter": {filter}, "max_results": {strconv.Itoa(results)}}
	return gets(api+"model-versions/search", query, versions(`"current_stage"`, count))
}
