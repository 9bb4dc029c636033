package io.moetier.runtime.image;

import java.util.ArrayList;
import java.util.List;
import javax.imageio.stream.ImageInputStreamImpl;

/// A file put together of pieces of another and of bytes in between, without copying them: what a decoder is given.
final class Pieces extends ImageInputStreamImpl {
    private final List<Piece> pieces = new ArrayList<>();
    private long length;
    private int current; // the piece that was read last

    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Piece(byte[] bytes, int from, int length, long at) {}

    /// Adds all of `bytes`.
    Pieces add(byte... bytes) {
        return add(bytes, 0, bytes.length);
    }

    /// Adds bytes of `file` from `from` to `to`.
    Pieces add(PictureFile file, int from, int to) {
        file.require(from, to - from);
        return add(file.bytes(), from, to - from);
    }

    /// Adds the pieces of `others`.
    Pieces add(Pieces others) {
        others.pieces.forEach(piece -> add(piece.bytes, piece.from, piece.length));
        return this;
    }

    private Pieces add(byte[] bytes, int from, int count) {
        if (count > 0) {
            pieces.add(new Piece(bytes, from, count, length));
            length += count;
        }
        return this;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] to, int offset, int count) {
        bitOffset = 0;
        if (count == 0) {
            return 0;
        }
        if (streamPos >= length) {
            return -1;
        }
        int copied = 0; // Java's streams take a part of what they asked for as the end
        while (copied < count && streamPos < length) {
            Piece piece = at(streamPos);
            int inside = (int) (streamPos - piece.at);
            int part = Math.min(count - copied, piece.length - inside);
            System.arraycopy(piece.bytes, piece.from + inside, to, offset + copied, part);
            copied += part;
            streamPos += part;
        }
        return copied;
    }

    private Piece at(long position) {
        while (pieces.get(current).at > position) {
            current--;
        }
        while (pieces.get(current).at + pieces.get(current).length <= position) {
            current++;
        }
        return pieces.get(current);
    }
}
