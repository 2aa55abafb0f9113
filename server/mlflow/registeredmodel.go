package mlflow

import (
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of a page of registered models: MLflow's own.
const (
	defaultRegisteredPage = 100
	maxRegisteredPage     = 1_000
)

func (c *call) createRegisteredModel() error {
	var in registry.CreateModel
	err := c.take(needText("name", &in.Name), mayText("description", &in.Description), mayTags(&in.Tags))
	if err != nil {
		return err
	}
	return c.answerModel(c.Registry.CreateModel(c, in))
}

func (c *call) getRegisteredModel() error {
	var name string
	if err := c.take(needText("name", &name)); err != nil {
		return err
	}
	return c.answerModel(c.Registry.Model(c, name))
}

// updateRegisteredModel sets the description. A request without one changes nothing.
func (c *call) updateRegisteredModel() error {
	var name string
	var description *string
	err := c.take(needText("name", &name), inBody("description", func(r *reader) error { return r.optionalText(&description) }))
	if err != nil {
		return err
	}
	if description == nil {
		return c.answerModel(c.Registry.Model(c, name))
	}
	return c.answerModel(c.Registry.DescribeModel(c, name, *description))
}

func (c *call) renameRegisteredModel() error {
	var name, newName string
	if err := c.take(needText("name", &name), needText("new_name", &newName)); err != nil {
		return err
	}
	return c.answerModel(c.Registry.RenameModel(c, name, newName))
}

func (c *call) deleteRegisteredModel() error {
	var name string
	if err := c.take(needText("name", &name)); err != nil {
		return err
	}
	_, err := c.Registry.DeleteModel(c, name, "")
	return err
}

func (c *call) searchRegisteredModels() error {
	q, err := c.registryQuery(defaultRegisteredPage, maxRegisteredPage)
	if err != nil {
		return err
	}
	found, err := c.Search.RegisteredModels(c, q)
	if err != nil {
		return pageError(err)
	}
	view, err := c.viewModels(found.Models)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	list(&o, "registered_models", found.Models, view.append)
	o.textIf("next_page_token", nextToken(found.HasNext, found.Cursors))
	*c.out = o.end()
	return nil
}

// registryQuery reads what both searches of the registry take.
func (c *call) registryQuery(unset, limit int64) (q search.RegistryQuery, err error) {
	var results integer
	err = c.take(mayText("filter", &q.Filter), mayTexts("order_by", &q.OrderBy), mayInteger("max_results", &results), mayText("page_token", &q.After))
	if err != nil {
		return q, err
	}
	q.First, err = page(results, unset, limit)
	q.First = min(q.First, search.MaxFirst) // the rest is on the next page
	return q, err
}

func (c *call) latestVersions() error {
	var name string
	var stages []string
	if err := c.take(needText("name", &name), mayTexts("stages", &stages)); err != nil {
		return err
	}
	versions, err := c.Registry.LatestVersions(c, name, stages)
	if err != nil {
		return err
	}
	return c.answerVersions(versions, "")
}

func (c *call) setRegisteredModelTag() error {
	var name string
	var tag tracking.Tag
	if err := c.take(needText("name", &name), needText("key", &tag.Key), mayText("value", &tag.Value)); err != nil {
		return err
	}
	_, err := c.Registry.SetModelTags(c, name, []tracking.Tag{tag})
	return err
}

func (c *call) deleteRegisteredModelTag() error {
	var name, key string
	if err := c.take(needText("name", &name), needText("key", &key)); err != nil {
		return err
	}
	_, err := c.Registry.DeleteModelTag(c, name, key)
	return err
}

func (c *call) setAlias() error {
	var name, alias string
	var number integer
	if err := c.take(needText("name", &name), needText("alias", &alias), needInteger("version", &number)); err != nil {
		return err
	}
	version, err := versionNumber(name, number)
	if err != nil {
		return err
	}
	_, err = c.Registry.SetAlias(c, name, alias, version)
	return err
}

func (c *call) deleteAlias() error {
	var name, alias string
	if err := c.take(needText("name", &name), needText("alias", &alias)); err != nil {
		return err
	}
	_, err := c.Registry.DeleteAlias(c, name, alias)
	return err
}

func (c *call) versionByAlias() error {
	var name, alias string
	if err := c.take(needText("name", &name), needText("alias", &alias)); err != nil {
		return err
	}
	return c.answerVersion(c.Registry.Resolve(c, registry.Ref{Name: name, Alias: alias}))
}
