//! Charts as SVG text.

use plotters::prelude::*;

use crate::error::{Error, Result};

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 300);
/// Colours that differ in brightness too (Okabe & Ito 2008).
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
];

/// A point with its spread up and down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Half the length of its error bar; 0 for none.
    pub(super) spread: f64,
}

/// What a chart's axes say, and which are logarithmic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes<'a> {
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    pub(super) log_x: bool,
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a chart could not be drawn: {error}"))
}

/// The range of values with a little air; never empty.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let air = if high > low { 0.05 * (high - low) } else { 0.5 * low.abs().max(1e-300) };
    low - air..high + air
}

/// A line through points with error bars; points that are not finite are left out. `None` when fewer than two are left.
pub(super) fn line(points: &[Point], axes: Axes<'_>) -> Result<Option<String>> {
    let usable = |p: &&Point| p.x.is_finite() && p.y.is_finite() && (!axes.log_x || p.x > 0.0);
    let mut shown: Vec<Point> = points.iter().filter(usable).copied().collect();
    if shown.len() < 2 {
        return Ok(None);
    }
    shown.sort_by(|a, b| a.x.total_cmp(&b.x));
    // A logarithmic axis is drawn over the exponents: its ticks are powers of ten and what lies between.
    let place = |x: f64| if axes.log_x { x.log10() } else { x };
    let tick = |x: &f64| if axes.log_x { short(10f64.powf(*x)) } else { short(*x) };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let ends = shown.iter().flat_map(|p| [p.y - p.spread, p.y + p.spread]);
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .x_label_area_size(42)
            .y_label_area_size(78)
            .build_cartesian_2d(range(shown.iter().map(|p| place(p.x))), range(ends))
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(axes.x)
            .y_desc(axes.y)
            .x_label_formatter(&tick)
            .y_label_formatter(&|y| short(*y))
            .label_style(("sans-serif", 13))
            .draw()
            .map_err(failed)?;
        let path = shown.iter().map(|p| (place(p.x), p.y));
        chart.draw_series(LineSeries::new(path, COLORS[0].stroke_width(2))).map_err(failed)?;
        chart
            .draw_series(shown.iter().filter(|p| p.spread > 0.0).map(|p| {
                let (low, high) = (p.y - p.spread, p.y + p.spread);
                ErrorBar::new_vertical(place(p.x), low, p.y, high, COLORS[0].filled(), 8)
            }))
            .map_err(failed)?;
        chart
            .draw_series(shown.iter().map(|p| Circle::new((place(p.x), p.y), 3, COLORS[0].filled())))
            .map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(Some(svg))
}

/// One part of every stacked bar.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    /// One height a bar.
    pub(super) heights: Vec<f64>,
}

/// Bars numbered from 0, each a stack of the layers. `None` when nothing has a height.
pub(super) fn stacked(layers: &[Layer], axes: Axes<'_>) -> Result<Option<String>> {
    let n_bars = layers.iter().map(|layer| layer.heights.len()).max().unwrap_or(0);
    let height = |layer: &Layer, bar: usize| layer.heights.get(bar).copied().unwrap_or(0.0).max(0.0);
    let top =
        (0..n_bars).map(|bar| layers.iter().map(|layer| height(layer, bar)).sum::<f64>()).fold(0.0, f64::max);
    if top <= 0.0 || !top.is_finite() {
        return Ok(None);
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .x_label_area_size(42)
            .y_label_area_size(78)
            .build_cartesian_2d(-0.5..n_bars as f64 - 0.5, 0.0..1.7 * top)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(axes.x)
            .y_desc(axes.y)
            .x_labels(n_bars.min(16))
            .x_label_formatter(&|x| if x.fract() == 0.0 { format!("{x}") } else { String::new() })
            .y_label_formatter(&|y| short(*y))
            .label_style(("sans-serif", 13))
            .draw()
            .map_err(failed)?;
        let mut floor = vec![0.0; n_bars];
        for (layer, color) in layers.iter().zip(COLORS.iter().cycle()) {
            let bars: Vec<_> = (0..n_bars)
                .map(|bar| {
                    let (low, center) = (floor[bar], bar as f64);
                    floor[bar] += height(layer, bar);
                    Rectangle::new([(center - 0.35, low), (center + 0.35, floor[bar])], color.filled())
                })
                .collect();
            chart
                .draw_series(bars)
                .map_err(failed)?
                .label(layer.name.clone())
                .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], color.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 13))
            .draw()
            .map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(Some(svg))
}

/// A number of at most four digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let size = value.abs();
    if (1e-3..1e5).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
    } else {
        let text = format!("{value:.3e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.91190001, "0.9119"),
            (10.0, "10"),
            (1.127e7, "1.127e7"),
            (2e-5, "2e-5"),
            (-3.25, "-3.25"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn degenerate_data_draw_nothing_or_something_finite() {
        let axes = Axes { x: "x", y: "y", log_x: true };
        let point = |x, y| Point { x, y, spread: 0.0 };
        assert_eq!(line(&[point(1.0, 1.0)], axes).unwrap(), None);
        assert_eq!(line(&[point(1.0, f64::NAN), point(0.0, 1.0), point(2.0, 1.0)], axes).unwrap(), None);
        let flat = line(&[point(1.0, 5.0), point(10.0, 5.0)], axes).unwrap().unwrap();
        assert!(flat.contains("<svg") && !flat.contains("NaN"));
        let layer = Layer { name: "load".into(), heights: vec![0.0, 0.0] };
        assert_eq!(stacked(&[layer], axes).unwrap(), None);
    }
}
