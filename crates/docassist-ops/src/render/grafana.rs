//! `grafana-dashboard.json`.

mod panels;

use serde_json::{Value, json};

/// All PromQL expressions of the dashboard.
#[must_use]
pub fn dashboard_queries() -> Vec<String> {
    panels::rows()
        .into_iter()
        .flat_map(|row| row.panels)
        .flat_map(|panel| panel.queries)
        .map(|(expression, _)| expression)
        .collect()
}

/// Grafana's grid is so wide.
const GRID: u32 = 24;
const PANEL_WIDTH: u32 = 8;
const PANEL_HEIGHT: u32 = 7;

pub(super) fn render() -> String {
    let mut panels = Vec::new();
    let mut id = 0;
    let mut y = 0;
    for row in panels::rows() {
        id += 1;
        panels.push(json!({
            "id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
            "gridPos": { "h": 1, "w": GRID, "x": 0, "y": y },
        }));
        y += 1;
        let mut x = 0;
        for panel in row.panels {
            if x + PANEL_WIDTH > GRID {
                x = 0;
                y += PANEL_HEIGHT;
            }
            id += 1;
            panels.push(draw(id, &panel, x, y));
            x += PANEL_WIDTH;
        }
        y += PANEL_HEIGHT;
    }
    let dashboard = json!({
        "uid": "docassist",
        "title": "Documentation Assistant",
        "description": "Written by `docassist tune`; change it there.",
        "tags": ["docassist"],
        "schemaVersion": 39,
        "editable": false,
        "refresh": "30s",
        "time": { "from": "now-6h", "to": "now" },
        "timezone": "browser",
        "templating": { "list": [{
            "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0,
        }] },
        "panels": panels,
    });
    // A value without maps that cannot be keys is always written.
    let mut text = serde_json::to_string_pretty(&dashboard).unwrap_or_default();
    text.push('\n');
    text
}

fn draw(id: u32, panel: &panels::Panel, x: u32, y: u32) -> Value {
    let datasource = json!({ "type": "prometheus", "uid": "${datasource}" });
    let targets: Vec<Value> = panel
        .queries
        .iter()
        .zip('A'..='Z')
        .map(|((expression, legend), name)| {
            json!({ "refId": name.to_string(), "datasource": datasource, "expr": expression, "legendFormat": legend })
        })
        .collect();
    json!({
        "id": id,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": datasource,
        "gridPos": { "h": PANEL_HEIGHT, "w": PANEL_WIDTH, "x": x, "y": y },
        "fieldConfig": { "defaults": { "unit": panel.unit, "min": 0 }, "overrides": [] },
        "options": {
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true },
            "tooltip": { "mode": "multi", "sort": "desc" },
        },
        "targets": targets,
    })
}
