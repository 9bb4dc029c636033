package io.moetier.cluster.placement;

import io.moetier.storage.format.UnsafeCharacters;
import io.moetier.storage.model.MalformedModelException;
import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.zip.CRC32C;

/// The bytes of a [Placement]: two or three for each expert, and a checksum.
///
/// A mark, the version, the names of the members, and for each expert the distance of its id from the one before, how
/// many owners it has with one bit for a cold one, and their numbers; all in numbers of seven bits a byte.
final class PlacementForm {
    private static final byte[] MARK = {'m', 'o', 'p', '1'};
    static final int MOST_NAME_BYTES = 256;

    private PlacementForm() {}

    static byte[] bytes(Placement placement) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(64 + 4 * placement.numExperts());
        out.writeBytes(MARK);
        out.writeBytes(
                ByteBuffer.allocate(Long.BYTES).putLong(placement.version()).array());
        write(out, placement.members().size());
        for (String member : placement.members()) {
            byte[] name = member.getBytes(StandardCharsets.UTF_8);
            write(out, name.length);
            out.writeBytes(name);
        }
        write(out, placement.numExperts());
        int before = 0;
        for (int i = 0; i < placement.numExperts(); i++) {
            write(out, placement.id(i) - before);
            before = placement.id(i);
            int[] owners = placement.ownersAt(i);
            write(out, owners.length << 1 | (placement.isColdAt(i) ? 1 : 0));
            for (int owner : owners) {
                write(out, owner);
            }
        }
        byte[] body = out.toByteArray();
        return ByteBuffer.allocate(body.length + Integer.BYTES)
                .put(body)
                .putInt(checksum(body, body.length))
                .array();
    }

    static Placement parse(byte[] bytes) {
        try {
            int length = bytes.length - Integer.BYTES;
            if (length < 0 || ByteBuffer.wrap(bytes).getInt(length) != checksum(bytes, length)) {
                throw new IllegalArgumentException("its checksum is wrong");
            }
            ByteBuffer in = ByteBuffer.wrap(bytes, 0, length);
            Placement placement = parse(in);
            if (in.hasRemaining()) {
                throw new IllegalArgumentException("something follows it");
            }
            return placement;
        } catch (IllegalArgumentException e) {
            throw new MalformedModelException("a table of owners is damaged: " + e.getMessage(), e);
        } catch (BufferUnderflowException | CharacterCodingException e) {
            throw new MalformedModelException("a table of owners is damaged: it is cut short", e);
        }
    }

    private static Placement parse(ByteBuffer in) throws CharacterCodingException {
        for (byte mark : MARK) {
            if (in.get() != mark) {
                throw new IllegalArgumentException("it is none, or one of another version");
            }
        }
        long version = in.getLong();
        int numMembers = read(in, Placement.MOST_MEMBERS);
        List<String> members = new ArrayList<>();
        for (int i = 0; i < numMembers; i++) {
            int length = read(in, MOST_NAME_BYTES);
            if (length > in.remaining()) {
                throw new BufferUnderflowException();
            }
            String member = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(in.slice(in.position(), length))
                    .toString();
            if (member.chars().anyMatch(UnsafeCharacters::isUnsafe)) {
                throw new IllegalArgumentException("the name of a member cannot be shown");
            }
            members.add(member);
            in.position(in.position() + length);
        }
        int numExperts = read(in, in.remaining()); // each takes more than a byte
        int[] ids = new int[numExperts];
        int[][] owners = new int[numExperts][];
        BitSet cold = new BitSet();
        int before = 0;
        for (int i = 0; i < numExperts; i++) {
            before = Math.toIntExact((long) before + read(in, Integer.MAX_VALUE));
            ids[i] = before;
            int head = read(in, Placement.MOST_OWNERS << 1 | 1);
            cold.set(i, (head & 1) != 0);
            owners[i] = new int[head >> 1];
            for (int k = 0; k < owners[i].length; k++) {
                owners[i][k] = read(in, numMembers);
            }
        }
        return new Placement(version, members, ids, owners, cold);
    }

    private static void write(ByteArrayOutputStream out, int number) {
        int rest = number;
        while (rest > 0x7F) {
            out.write(rest | 0x80);
            rest >>>= 7;
        }
        out.write(rest);
    }

    private static int read(ByteBuffer in, int most) {
        long number = 0;
        for (int shift = 0; shift < 35; shift += 7) {
            byte part = in.get();
            number |= (long) (part & 0x7F) << shift;
            if (part >= 0) {
                if (number > most) {
                    throw new IllegalArgumentException("expected " + most + " at most, found " + number);
                }
                return (int) number;
            }
        }
        throw new IllegalArgumentException("a number has too many bytes");
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
