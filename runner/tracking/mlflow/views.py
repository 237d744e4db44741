"""Views as MLflow's page saves them: tags of an experiment.

The page writes JSON, deflated: what is filtered, sorted, listed and charted. It is no documented
format: what stands here is used with the version alone that is known.
"""

import base64
import hashlib
import itertools
import json
import re
import urllib.parse
import zlib
from collections.abc import Iterator
from typing import Any

from runner.results.view import STATUS, View

TAG = "mlflow.sharedViewState."
_DEFLATED = "deflate;"
_ODD = re.compile(r"[^\w.-]+")
_LONGEST = 100  # letters of a key; a tag's may have 250
_FRONT = 3  # charts beside each other
_HEIGHT = 360  # pixels
_WIDTHS = {"metrics": 110, "params": 130, "tags": 110}  # pixels


def key(name: str) -> str:
    """Return what the page finds a view by: a name as a tag's key and a link may have it.

    >>> key("quickstart-d17b1247"), key("lr/schedule <b>")
    ('quickstart-d17b1247', 'lr-schedule-b-f25fba5d')
    """
    plain = _ODD.sub("-", name)[:_LONGEST]
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return plain if plain == name else f"{plain.rstrip('-')}-{digest}"


def found(text: str) -> str:
    """Return a saved view's state, without when it was saved."""
    try:
        state = json.loads(text)["state"].removeprefix(_DEFLATED)
        return zlib.decompress(base64.b64decode(state)).decode()
    except (ValueError, LookupError, TypeError, AttributeError, zlib.error):
        return ""


def written(view: View) -> str:
    """Return the state of a view, as text."""
    return json.dumps(_state(view), separators=(",", ":"))


def tag(name: str, state: str, now_ms: int) -> str:
    """Return the value of the tag that saves a view's state."""
    packed = base64.b64encode(zlib.compress(state.encode(), 9)).decode()
    saved = {"name": name, "createdAt": now_ms, "updatedAt": now_ms, "state": _DEFLATED + packed}
    return json.dumps(saved)


def query(view: View) -> str:
    """Return the filter and the order of a view as a link has them, for a page without views."""
    facets = {k: v for k, v in _facets(view).items() if k in ("searchFilter", "orderByKey")}
    return urllib.parse.urlencode(facets | {"orderByAsc": str(not view.descending).lower()})


def _state(view: View) -> dict[str, Any]:
    return {
        **_facets(view),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": ["attributes.`Duration`", *_columns(view)],
        "columnOrder": [],
        "columnWidths": {name: _WIDTHS[name.partition(".")[0]] for name in _columns(view)},
        "runsHiddenMode": f"FIRST_{view.charted}_RUNS",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,  # else the page sorts sections by their names
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": _group(view),
        "groupsExpanded": {f"tag.{view.group}.{value}": False for value in view.groups},
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
        **_charts(view),
    }


def _facets(view: View) -> dict[str, Any]:
    name = f"attributes.run_name LIKE {_quoted(view.prefix + '%')}" if view.prefix else ""
    tags = [f"tags.`{tag}` {_equal(value)}" for tag, value in view.tags.items()]
    return {
        "searchFilter": " AND ".join(filter(None, [name, *tags])),
        "orderByKey": f"metrics.`{view.metric}`" if view.metric else "attributes.start_time",
        "orderByAsc": not view.descending,
    }


def _equal(value: str) -> str:
    """Return the condition of a value; MLflow knows no quote within quotes, so any letter may be
    there."""
    return f"LIKE '{value.replace(chr(39), '_')}'" if "'" in value else f"= '{value}'"


def _quoted(value: str) -> str:
    return f"'{value}'"


def _columns(view: View) -> list[str]:
    metrics = [f"metrics.`{name}`" for name in view.metrics]
    return [*metrics, *(f"params.`{name}`" for name in view.keys), f"tags.`{STATUS}`"]


def _group(view: View) -> dict[str, Any] | None:
    if not view.group:
        return None
    keys = [{"mode": "tag", "groupByData": view.group}]
    return {"aggregateFunction": "average", "groupByKeys": keys}


def _charts(view: View) -> dict[str, Any]:
    """Return the charts and the sections that they stand in: curves, comparison, other curves."""
    ids = map(str, itertools.count())
    sections: list[dict[str, Any]] = []
    charts: list[dict[str, Any]] = []

    def add(name: str, some: list[dict[str, Any]], across: int = _FRONT) -> None:
        section = next(ids)
        if some:
            size = {"columns": across, "cardHeight": _HEIGHT}
            own = {"uuid": section, "name": name, "display": True, "isReordered": True, **size}
            sections.append({**own, "deleted": False, "isGenerated": False})
            charts.extend({"uuid": next(ids), "metricSectionId": section, **one} for one in some)

    add("curves", [_line(key) for key in view.lines[:_FRONT]])
    add("comparison", [*map(_bar, view.bars[:1]), *_parallel(view)], across=2)
    add("more curves", [_line(key) for key in view.lines[_FRONT:]])
    return {"compareRunCharts": charts, "compareRunSections": sections}


def _chart(kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "runsCountToCompare": 10,
        "deleted": False,
        "isGenerated": False,
    }


def _line(metric: str) -> dict[str, Any]:
    return {
        **_chart("LINE"),
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def _bar(metric: str) -> dict[str, Any]:
    return {**_chart("BAR"), "metricKey": metric}


def _parallel(view: View) -> Iterator[dict[str, Any]]:
    if view.axes and view.metric:
        own = {"selectedParams": list(view.axes), "selectedMetrics": [view.metric]}
        yield {**_chart("PARALLEL"), **own, "showAllRuns": True}
