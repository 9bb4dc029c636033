package io.moetier.storage.cache;

/// Counts the bytes of arrays, and carries nothing.
final class LearntSize implements LearntArrays {
    private long bytes;

    long bytes() {
        return bytes;
    }

    @Override
    public void carry(float[] values) {
        bytes += (long) values.length * Float.BYTES;
    }

    @Override
    public void carry(int[] values, int least, int most) {
        bytes += (long) values.length * Integer.BYTES;
    }

    @Override
    public void carry(short[] values, int n) {
        bytes += (long) n * Short.BYTES;
    }
}
