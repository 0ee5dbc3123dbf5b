//! A histogram as a picture (SVG). The counts' axis is logarithmic: one late deadline among ten
//! thousand is what one looks for.

use super::results::Bar;
use super::xml::escaped;
use std::fmt::Write as _;

const WIDTH: usize = 800;
const HEIGHT: usize = 320;
const LEFT: usize = 60;
const BOTTOM: usize = 70;
const TOP: usize = 40;

/// Draws the bars side by side, as they come.
pub fn svg(title: &str, unit: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    let decades = height_of(most).ceil().max(1.0);
    let (wide, high) = (WIDTH - LEFT - 20, HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>\n",
        escaped(title)
    );
    for decade in 0..=decades as u32 {
        let y = (HEIGHT - BOTTOM) as f64 - high as f64 * f64::from(decade) / decades;
        let label = if decade == 0 { 0 } else { 10_u64.pow(decade) };
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - 20,
            LEFT - 6,
            y + 4.0
        );
    }
    let step = wide as f64 / bars.len().max(1) as f64;
    for (index, bar) in bars.iter().enumerate() {
        let x = LEFT as f64 + step * index as f64;
        let tall = high as f64 * height_of(bar.count) / decades;
        let y = (HEIGHT - BOTTOM) as f64 - tall;
        let middle = x + step / 2.0;
        let foot = HEIGHT - BOTTOM + 12;
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"#3568a8\">\
             <title>{} to {} {}: {}</title></rect>\
             <text x=\"{middle:.1}\" y=\"{foot}\" text-anchor=\"end\" \
             transform=\"rotate(-45 {middle:.1} {foot})\">{}</text>",
            step * 0.9,
            bar.from,
            bar.to,
            escaped(unit),
            bar.count,
            short(bar.from)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{WIDTH}\" y=\"{}\" text-anchor=\"end\" dx=\"-20\">each bar: from, in {}; \
         how many, on a logarithmic scale</text>\n</svg>",
        HEIGHT - 8,
        escaped(unit)
    );
    svg
}

/// 0 for none, 0.3 for one, then one more with each factor of ten.
fn height_of(count: u64) -> f64 {
    if count == 0 { 0.0 } else { (count as f64 + 1.0).log10() }
}

/// A number as people read it on an axis.
fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{}k", number / 1000),
        _ => format!("{}M", number / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, svg};

    #[test]
    fn there_is_a_bar_for_each_and_the_picture_is_well_formed() {
        let bars = [(0, 7), (1, 0), (2, 10_000)].map(|(from, count)| Bar { from, to: from, count });
        let picture = svg("lateness <off>", "ns", &bars);
        let document = roxmltree::Document::parse(&picture).unwrap();
        let heights: Vec<f32> = document
            .descendants()
            .filter(|node| node.has_tag_name("title"))
            .filter_map(|node| node.parent()?.attribute("height")?.parse().ok())
            .collect();
        assert_eq!(heights.len(), 3);
        assert!(heights[0] > 0.0 && heights[1] == 0.0 && heights[2] > heights[0]);
        let none = svg("nothing", "ns", &[]);
        assert!(roxmltree::Document::parse(&none).is_ok());
    }
}
