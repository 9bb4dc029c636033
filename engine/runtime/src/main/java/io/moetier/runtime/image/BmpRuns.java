package io.moetier.runtime.image;

/// Pixels of a BMP file in runs of one colour, from the bottom row up; what no run says is the first colour.
final class BmpRuns {
    private static final int END_OF_ROW = 0;
    private static final int END = 1;
    private static final int MOVE = 2;

    private final PictureFile file;
    private final boolean isOfHalfBytes;
    private int position;
    private int x; // at most the width, however far runs go on
    private int row; // from the bottom

    BmpRuns(PictureFile file, int position, boolean isOfHalfBytes) {
        this.file = file;
        this.position = position;
        this.isOfHalfBytes = isOfHalfBytes;
    }

    /// Returns the numbers of colours, row by row from the top.
    byte[] decode(Canvas canvas) {
        byte[] indices = new byte[canvas.pixels()];
        while (row < canvas.height()) {
            int count = next();
            int code = next();
            if (count > 0) {
                run(canvas, indices, count, code);
            } else if (code == END) {
                break;
            } else if (code == END_OF_ROW) {
                x = 0;
                row++;
            } else if (code == MOVE) {
                x = Math.min(x + next(), canvas.width());
                row += next();
            } else {
                literal(canvas, indices, code);
            }
        }
        return indices;
    }

    private int next() {
        return file.u8(position++);
    }

    private void run(Canvas canvas, byte[] indices, int count, int code) {
        for (int i = 0; i < count; i++) {
            put(canvas, indices, isOfHalfBytes ? half(code, i) : code);
        }
    }

    private void literal(Canvas canvas, byte[] indices, int count) {
        int start = position;
        for (int i = 0; i < count; i++) {
            put(canvas, indices, isOfHalfBytes ? half(file.u8(start + i / 2), i) : file.u8(start + i));
        }
        int bytes = isOfHalfBytes ? (count + 1) / 2 : count;
        position = start + bytes + (bytes & 1);
    }

    private static int half(int code, int i) {
        return i % 2 == 0 ? code >> 4 : code & 0xF;
    }

    private void put(Canvas canvas, byte[] indices, int index) {
        if (x < canvas.width() && row < canvas.height()) {
            indices[(canvas.height() - 1 - row) * canvas.width() + x++] = (byte) index;
        }
    }
}
