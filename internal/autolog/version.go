package autolog

import (
	"strconv"
	"strings"
)

// inRange tells whether a version lies in a PEP 440 specifier such as ">=1.4,<2". Only the release numbers count; a
// version or a clause that cannot be read counts as inside, since the answer is only a warning.
func inRange(version, specifier string) bool {
	release, ok := releaseOf(version)
	if !ok {
		return true
	}
	for clause := range strings.SplitSeq(specifier, ",") {
		clause = strings.TrimSpace(clause)
		operator := clause[:len(clause)-len(strings.TrimLeft(clause, "<>=!~"))]
		text := strings.TrimSpace(clause[len(operator):])
		prefix := strings.HasSuffix(text, ".*")
		bound, ok := releaseOf(strings.TrimSuffix(text, ".*"))
		if !ok {
			continue
		}
		if !holds(release, bound, operator, prefix) {
			return false
		}
	}
	return true
}

func holds(release, bound []int, operator string, prefix bool) bool {
	if prefix {
		release = release[:min(len(release), len(bound))]
	}
	order := compareReleases(release, bound)
	switch operator {
	case ">=":
		return order >= 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	case "<":
		return order < 0
	case "!=":
		return order != 0
	case "~=":
		return order >= 0 && compareReleases(release[:min(len(release), len(bound)-1)], bound[:len(bound)-1]) == 0
	case "==", "===":
		return order == 0
	}
	return true
}

// releaseOf reads the leading numbers of a version: 1.9.1rc2 is 1.9.1.
func releaseOf(version string) ([]int, bool) {
	var release []int
	for part := range strings.SplitSeq(strings.TrimPrefix(version, "v"), ".") {
		digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
		n, err := strconv.Atoi(digits)
		if err != nil {
			break
		}
		release = append(release, n)
		if digits != part {
			break
		}
	}
	return release, len(release) > 0
}

func compareReleases(a, b []int) int {
	for i := range max(len(a), len(b)) {
		var x, y int
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return x - y
		}
	}
	return 0
}
