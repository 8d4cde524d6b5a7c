//! From the drawn SVG to the PNG of the same picture.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{Options, Tree};

const INFALLIBLE: &str = "writing to memory does not fail";

/// The PNG of `svg` at its own size.
pub(super) fn png(svg: &str) -> Vec<u8> {
    let mut fonts = Database::new();
    for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
        fonts.load_font_source(Source::Binary(Arc::new(font)));
    }
    let options = Options { fontdb: Arc::new(fonts), ..Options::default() };
    let tree = Tree::from_str(svg, &options).expect("the drawing is a well-formed SVG");
    let size = tree.size().to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height()).expect("a figure has some width and height");
    resvg::render(&tree, Transform::default(), &mut pixels.as_mut());
    encode(&pixels)
}

/// Without transparency, because the background is white, and without a filter: a drawing has flat areas,
/// and is smaller and sooner written so.
fn encode(pixels: &Pixmap) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(pixels.data().len() / 4 * 3);
    pixels.data().chunks_exact(4).for_each(|pixel| rgb.extend_from_slice(&pixel[..3]));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().expect(INFALLIBLE);
    writer.write_image_data(&rgb).expect(INFALLIBLE);
    writer.finish().expect(INFALLIBLE);
    bytes
}
