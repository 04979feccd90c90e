//! A small plot: lines over a linear or logarithmic axis, as SVG.

use std::fmt::Write as _;

/// One of them.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// Room for labels: left, right, top, bottom.
const ROOM: (f64, f64, f64, f64) = (70.0, 200.0, 40.0, 40.0);
const COLOURS: [&str; 6] = ["#1b6ca8", "#d1495b", "#2e933c", "#edae49", "#6a4c93", "#66717e"];

/// `logarithmic` is the horizontal axis.
pub(crate) fn plot(title: &str, logarithmic: bool, lines: &[Line]) -> String {
    let scale = |x: f64| if logarithmic { x.max(1.0).log2() } else { x };
    let all = || lines.iter().flat_map(|line| &line.points);
    let most_x = all().map(|(x, _)| scale(*x)).fold(1e-9, f64::max);
    let most_y = all().map(|(_, y)| *y).fold(1e-9, f64::max) * 1.05;
    let (left, right, top, bottom) = ROOM;
    let place =
        |x: f64, y: f64| (left + scale(x) / most_x * (WIDTH - left - right), HEIGHT - bottom - y / most_y * (HEIGHT - top - bottom));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{left}\" y=\"20\" font-size=\"14\">{title}</text>\n"
    );
    // Writing to a String can't fail.
    for step in 0..=4 {
        let value = most_y / 4.0 * f64::from(step);
        let (_, y) = place(0.0, value);
        let _ = writeln!(svg, "<line x1=\"{left}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>", WIDTH - right);
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>", left - 6.0, y + 4.0);
    }
    let mut ticks: Vec<f64> = all().map(|(x, _)| *x).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    for tick in ticks {
        let (x, _) = place(tick, 0.0);
        let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick:.0}</text>", HEIGHT - bottom + 18.0);
    }
    for (number, line) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let points: Vec<_> = line.points.iter().map(|(x, y)| place(*x, *y)).collect();
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path.join(" "));
        for (x, y) in &points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        if lines.len() > 1 {
            let y = top + 18.0 * number as f64;
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", WIDTH - right + 12.0, line.name);
        }
    }
    svg + "</svg>\n"
}
