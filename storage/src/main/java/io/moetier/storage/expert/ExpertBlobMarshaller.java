package io.moetier.storage.expert;

import java.lang.foreign.MemorySegment;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.core.util.ReadResolvable;
import net.openhft.chronicle.hash.serialization.SizedReader;
import net.openhft.chronicle.hash.serialization.SizedWriter;
import net.openhft.chronicle.wire.WireIn;
import net.openhft.chronicle.wire.WireOut;
import org.jspecify.annotations.Nullable;

/// Tells a block where its entry has room for it, without writing it, and hands out an entry's mapped memory without a
/// copy.
///
/// The header of every store's map file names this class: it must never be renamed or moved.
@SuppressWarnings({
    "rawtypes", // Chronicle declares its buffers raw
    "restricted" // the addresses are Chronicle's, valid for `size` bytes while the map is open
})
final class ExpertBlobMarshaller
        implements SizedReader<ExpertBlob>, SizedWriter<ExpertBlob>, ReadResolvable<ExpertBlobMarshaller> {
    static final ExpertBlobMarshaller INSTANCE = new ExpertBlobMarshaller();

    private ExpertBlobMarshaller() {}

    @Override
    public long size(ExpertBlob blob) {
        return blob.memory().byteSize();
    }

    @Override
    public void write(Bytes out, long size, ExpertBlob blob) {
        long position = out.writePosition();
        blob.mappedAddress(out.addressForWrite(position));
        out.writePosition(position + size);
    }

    @Override
    public ExpertBlob read(Bytes in, long size, @Nullable ExpertBlob using) {
        long position = in.readPosition();
        MemorySegment entry =
                MemorySegment.ofAddress(in.addressForRead(position)).reinterpret(size);
        in.readPosition(position + size);
        if (using == null) {
            return ExpertBlob.read(entry);
        }
        using.memory(entry);
        return using;
    }

    @Override
    public ExpertBlobMarshaller readResolve() {
        return INSTANCE;
    }

    @Override
    public void readMarshallable(WireIn wire) {
        // no state
    }

    @Override
    public void writeMarshallable(WireOut wire) {
        // no state
    }
}
