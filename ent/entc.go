//go:build ignore

// Command entc generates package ent from ent/schema.
package main

import (
	"log"

	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	err := entc.Generate("./ent/schema", &gen.Config{
		Target:  "./ent",
		Package: "github.com/cairnml/cairn/ent",
		Features: []gen.Feature{
			gen.FeatureUpsert, gen.FeatureModifier, gen.FeatureExecQuery, gen.FeatureVersionedMigration,
		},
	})
	if err != nil {
		log.Fatalf("generate ent: %v", err)
	}
}
