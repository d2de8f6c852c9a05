//! The namespace picker.

use ratatui::layout::Rect;

use crate::text;

use super::app::App;
use super::pen::Pen;
use super::table::{first_shown, more};
use super::view::{Tone, span};

pub(super) fn draw(pen: &mut Pen<'_>, body: Rect, app: &App) {
    let namespaces = &app.view.namespaces;
    let names = namespaces
        .iter()
        .map(|item| text::width(&item.name))
        .max()
        .unwrap_or(0)
        .clamp(12, 63);
    let width = u16::try_from(names + 44)
        .unwrap_or(u16::MAX)
        .min(body.width);
    let height = u16::try_from(namespaces.len() + 4)
        .unwrap_or(u16::MAX)
        .clamp(5, body.height.max(5))
        .min(body.height);
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 3,
        width,
        height,
    };
    pen.clear(area);
    let mut note = format!("{} marked", app.picker.marked.len());
    if app.view.cluster_wide > 0 {
        // They stand in none of the namespaces below, and act in them.
        note = format!(
            "{} cluster-wide · {note}",
            counted(app.view.cluster_wide, "policy", "policies").trim()
        );
    }
    let inner = pen.frame(area, &[span("Namespaces", Tone::Name)], &note, true);
    if namespaces.is_empty() {
        pen.text(inner, 0, 0, "none read yet", pen.theme.tone(Tone::Plain));
        return;
    }
    pen.text(
        inner,
        0,
        0,
        "space marks · enter shows · a shows all",
        pen.theme.tone(Tone::Faint),
    );
    let list = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    let first = first_shown(
        app.picker.cursor,
        namespaces.len(),
        usize::from(list.height),
    );
    for (offset, item) in namespaces
        .iter()
        .skip(first)
        .take(usize::from(list.height))
        .enumerate()
    {
        let y = u16::try_from(offset).unwrap_or(u16::MAX);
        let chosen = first + offset == app.picker.cursor;
        let mark = if app.picker.marked.contains(&item.name) {
            "●"
        } else {
            " "
        };
        pen.text(
            list,
            0,
            y,
            &format!(
                "{}{mark} {}",
                if chosen { "›" } else { " " },
                text::fit(&item.name, names)
            ),
            pen.theme.tone(Tone::Plain),
        );
        let counts = format!(
            "{:14}{}",
            counted(item.workloads, "workload", "workloads"),
            counted(item.policies, "policy", "policies")
        );
        pen.text(
            list,
            u16::try_from(names + 5).unwrap_or(u16::MAX),
            y,
            &counts,
            pen.theme.tone(Tone::Faint),
        );
        if chosen {
            pen.select(list, y);
        }
    }
    more(pen, area, first, namespaces.len(), list.height);
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count:>3} {}", if count == 1 { one } else { many })
}
