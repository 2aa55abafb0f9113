package model

// Node is any object with a global id. Which types are nodes is said by the schema alone, so the interface asks nothing of
// them: most are Ent's, which know nothing of GraphQL.
type Node any
