package io.moetier.runtime.image;

/// The kinds of files that are read, told apart by their first bytes and never by their names.
enum PictureFormat {
    PNG("PNG"),
    JPEG("JPEG"),
    WEBP("WebP"),
    GIF("GIF"),
    BMP("BMP");

    private final String shown;

    PictureFormat(String shown) {
        this.shown = shown;
    }

    @Override
    public String toString() {
        return shown;
    }

    /// Reads a file of any of them.
    static Picture read(PictureFile file) {
        return switch (of(file)) {
            case PNG -> new PngFile(file).read();
            case JPEG -> new JpegFile(file).read();
            case WEBP -> new WebpFile(file).read();
            case GIF -> new GifFile(file).read();
            case BMP -> new BmpFile(file).read();
        };
    }

    private static PictureFormat of(PictureFile file) {
        if (file.size() == 0) {
            throw file.refused("the file is empty");
        }
        if (file.has(0, PngFile.SIGNATURE)) {
            return PNG;
        }
        if (file.has(0, JpegFile.START)) {
            return JPEG;
        }
        if (file.has(0, "RIFF") && file.has(8, "WEBP")) {
            return WEBP;
        }
        if (file.has(0, "GIF87a") || file.has(0, "GIF89a")) {
            return GIF;
        }
        if (file.has(0, "BM")) {
            return BMP;
        }
        throw file.refused("expected a picture in PNG, JPEG, WebP, GIF or BMP, found something else");
    }
}
