//! Charts as SVG text.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::ticks::Scale;
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Half the length of its error bar; 0 for none.
    pub(super) spread: f64,
}

/// What a chart's axes say, and how the first is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes<'a> {
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    pub(super) scale: Scale,
}

/// Points that belong together, under a name that the legend shows; without a legend where it is empty.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// Lines that can be told from each other.
pub(super) const MOST_LINES: usize = COLORS.len();
/// The share of a chart's height that a line of its legend takes.
const LEGEND_SHARE: f64 = 0.09;

/// Names the layers or lines of a chart in its upper right corner.
fn draw_legend<'a, 'b: 'a, C: CoordTranslate>(chart: &mut ChartContext<'a, SVGBackend<'b>, C>) -> Result<()> {
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperRight).background_style(WHITE.mix(0.8));
    labels.label_font(("sans-serif", 13)).draw().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a chart could not be drawn: {error}"))
}

/// The range of values with a little air; never empty.
fn range(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let air = if high > low { 0.05 * (high - low) } else { 0.5 * low.abs().max(1e-300) };
    low - air..high + air
}

/// An axis whose ticks are given. (Those of plotters' `with_key_points` cannot be worded.)
struct Marked {
    axis: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ranged for Marked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.axis.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.axis.range()
    }
}

/// A line through the points of each series with error bars, of the first [`MOST_LINES`]; points that are not finite are
/// left out. `None` when fewer than two are left.
pub(super) fn lines(series: &[Series], axes: Axes<'_>) -> Result<Option<String>> {
    let scale = axes.scale;
    let usable = |p: &&Point| p.y.is_finite() && scale.place(p.x).is_finite();
    let mut shown: Vec<(&str, Vec<Point>)> = Vec::new();
    for one in series.iter().take(MOST_LINES) {
        let mut points: Vec<Point> = one.points.iter().filter(usable).copied().collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        shown.push((&one.name, points));
    }
    let all = || shown.iter().flat_map(|(_, points)| points);
    if all().count() < 2 {
        return Ok(None);
    }
    // A logarithmic axis is drawn over the exponents.
    let x_range = range(all().map(|p| scale.place(p.x)));
    let mut y_range = range(all().flat_map(|p| [p.y - p.spread, p.y + p.spread]));
    let n_named = shown.iter().filter(|(name, _)| !name.is_empty()).count();
    if n_named > 0 {
        // Room for the legend above the lines.
        let share = LEGEND_SHARE * n_named as f64 + 0.04;
        y_range.end += (y_range.end - y_range.start) * share / (1.0 - share);
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let ticks = scale.ticks(&x_range);
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .x_label_area_size(42)
            .y_label_area_size(78)
            .build_cartesian_2d(Marked { axis: x_range.into(), ticks }, y_range)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(axes.x)
            .y_desc(axes.y)
            .x_label_formatter(&|x| short(scale.value(*x)))
            .y_label_formatter(&|y| short(*y))
            .label_style(("sans-serif", 13))
            .draw()
            .map_err(failed)?;
        for ((name, points), color) in shown.iter().zip(COLORS) {
            let path = points.iter().map(|p| (scale.place(p.x), p.y));
            let drawn = chart.draw_series(LineSeries::new(path, color.stroke_width(2))).map_err(failed)?;
            if !name.is_empty() {
                drawn
                    .label(*name)
                    .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], color.filled()));
            }
            let spreads = points.iter().filter(|p| p.spread > 0.0).map(|p| {
                let (low, high) = (p.y - p.spread, p.y + p.spread);
                ErrorBar::new_vertical(scale.place(p.x), low, p.y, high, color.filled(), 8)
            });
            chart.draw_series(spreads).map_err(failed)?;
            let dots = points.iter().map(|p| Circle::new((scale.place(p.x), p.y), 3, color.filled()));
            chart.draw_series(dots).map_err(failed)?;
        }
        if n_named > 0 {
            draw_legend(&mut chart)?;
        }
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
            .build_cartesian_2d(-0.5..n_bars as f64 - 0.5, 0.0..1.8 * top)
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
        draw_legend(&mut chart)?;
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
        let axes = Axes { x: "x", y: "y", scale: Scale::Log };
        let point = |x, y| Point { x, y, spread: 0.0 };
        let line = |points: &[Point]| lines(&[Series { name: String::new(), points: points.to_vec() }], axes);
        assert_eq!(line(&[point(1.0, 1.0)]).unwrap(), None);
        assert_eq!(line(&[point(1.0, f64::NAN), point(0.0, 1.0), point(2.0, 1.0)]).unwrap(), None);
        assert_eq!(lines(&[], axes).unwrap(), None);
        let flat = line(&[point(1.0, 5.0), point(10.0, 5.0)]).unwrap().unwrap();
        assert!(flat.contains("<svg") && !flat.contains("NaN"));
        let layer = Layer { name: "load".into(), heights: vec![0.0, 0.0] };
        assert_eq!(stacked(&[layer], axes).unwrap(), None);
    }

    #[test]
    fn each_series_has_its_line_and_its_name() {
        let axes = Axes { x: "C", y: "score", scale: Scale::Log };
        let series = |name: &str, y: f64| {
            let points = [0.1, 1.0, 10.0].map(|x| Point { x, y, spread: 0.0 });
            Series { name: name.into(), points: points.to_vec() }
        };
        let svg = lines(&[series("iter 0", 0.5), series("iter 1", 0.6)], axes).unwrap().unwrap();
        assert_eq!(svg.matches("<polyline").count() - lines_of_axes(&svg), 2, "{svg}");
        // Ticks at 1, 2 and 5 times powers of ten; the names in the legend.
        for text in ["0.1", "0.2", "0.5", "10", "iter 0", "iter 1"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text} in {svg}");
        }
    }

    /// Lines along the axes are thinner than those through points.
    fn lines_of_axes(svg: &str) -> usize {
        svg.lines()
            .filter(|line| line.starts_with("<polyline") && !line.contains("stroke-width=\"2\""))
            .count()
    }
}
