package mlflow

import (
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of a page of model versions: MLflow's own.
const (
	defaultVersionPage = 10_000
	maxVersionPage     = 200_000
)

func (c *call) createModelVersion() error {
	var in registry.CreateVersion
	err := c.take(
		needText("name", &in.Name), needText("source", &in.Source), mayText("run_id", &in.RunID), mayText("run_link", &in.RunLink),
		mayText("model_id", &in.ModelID), mayText("description", &in.Description), mayTags(&in.Tags),
	)
	if err != nil {
		return err
	}
	return c.answerVersion(c.Registry.CreateVersion(c, in))
}

// oneVersion reads the name and the number of a version, and what else a call takes.
func (c *call) oneVersion(others ...member) (name string, version int, err error) {
	var number integer
	if err := c.take(append([]member{needText("name", &name), needInteger("version", &number)}, others...)...); err != nil {
		return "", 0, err
	}
	version, err = versionNumber(name, number)
	return name, version, err
}

func (c *call) getModelVersion() error {
	name, version, err := c.oneVersion()
	if err != nil {
		return err
	}
	return c.answerVersion(c.Registry.Version(c, name, version))
}

func (c *call) downloadURI() error {
	name, version, err := c.oneVersion()
	if err != nil {
		return err
	}
	v, err := c.Registry.Version(c, name, version)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.text("artifact_uri", v.ArtifactLocation)
	*c.out = o.end()
	return nil
}

// updateModelVersion sets the description. A request without one changes nothing.
func (c *call) updateModelVersion() error {
	var description *string
	name, version, err := c.oneVersion(inBody("description", func(r *reader) error { return r.optionalText(&description) }))
	if err != nil {
		return err
	}
	if description == nil {
		return c.answerVersion(c.Registry.Version(c, name, version))
	}
	return c.answerVersion(c.Registry.DescribeVersion(c, name, version, *description))
}

func (c *call) deleteModelVersion() error {
	name, version, err := c.oneVersion()
	if err != nil {
		return err
	}
	_, err = c.Registry.DeleteVersion(c, name, version, "")
	return err
}

func (c *call) searchModelVersions() error {
	q, err := c.registryQuery(defaultVersionPage, maxVersionPage)
	if err != nil {
		return err
	}
	found, err := c.Search.ModelVersions(c, q)
	if err != nil {
		return pageError(err)
	}
	return c.answerVersions(found.Versions, nextToken(found.HasNext, found.Cursors))
}

func (c *call) setModelVersionTag() error {
	var tag tracking.Tag
	name, version, err := c.oneVersion(needText("key", &tag.Key), mayText("value", &tag.Value))
	if err != nil {
		return err
	}
	_, err = c.Registry.SetVersionTags(c, name, version, []tracking.Tag{tag})
	return err
}

func (c *call) deleteModelVersionTag() error {
	var key string
	name, version, err := c.oneVersion(needText("key", &key))
	if err != nil {
		return err
	}
	_, err = c.Registry.DeleteVersionTag(c, name, version, key)
	return err
}

func (c *call) transitionStage() error {
	in := registry.Transition{}
	var err error
	in.Name, in.Version, err = c.oneVersion(needText("stage", &in.Stage), mayBoolean("archive_existing_versions", &in.ArchiveExisting))
	if err != nil {
		return err
	}
	return c.answerVersion(c.Registry.TransitionStage(c, in))
}
