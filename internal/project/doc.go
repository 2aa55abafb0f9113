// Package project runs packaged code: it reads MLflow's MLproject files, fetches projects from git, builds their
// environments once, and turns an entry point with parameters into a command that the agent of `cairn exec` records.
//
// Whatever the files and parameters of a project say is input: it never reaches a shell unquoted, names no file outside of
// the project, and an error about it has the file and the line.
package project
