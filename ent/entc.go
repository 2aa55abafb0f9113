//go:build ignore

// Command entc generates package ent from ent/schema.
package main

import (
	"log"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	// The GraphQL schema is designed by hand (graph/schema): entgql gives pagination and eager loading only.
	gql, err := entgql.NewExtension(entgql.WithWhereInputs(false), entgql.WithNodeDescriptor(false))
	if err != nil {
		log.Fatalf("entgql extension: %v", err)
	}
	err = entc.Generate("./ent/schema", &gen.Config{
		Target:  "./ent",
		Package: "github.com/cairnml/cairn/ent",
		Features: []gen.Feature{
			gen.FeatureUpsert, gen.FeatureModifier, gen.FeatureExecQuery, gen.FeatureVersionedMigration,
		},
	}, entc.Extensions(gql))
	if err != nil {
		log.Fatalf("generate ent: %v", err)
	}
}
