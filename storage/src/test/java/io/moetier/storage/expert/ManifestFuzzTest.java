package io.moetier.storage.expert;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any manifest of a store is read or refused by name, one that has the right checksum too.
public final class ManifestFuzzTest {
    private static final Path FILE = Path.of("store", StoreManifest.FILE_NAME);
    private static final String CHECKSUM = "\"manifestCrc32c\" : \"";
    private static final String BLANK = "00000000";

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(ManifestFuzzTest.class, 5_000);
    }

    /// Parses these bytes, and behind them a checksum that is right.
    public static void fuzzerTestOneInput(byte[] manifest) {
        parse(manifest);
        String text = new String(manifest, StandardCharsets.ISO_8859_1);
        int brace = text.lastIndexOf('}');
        if (brace >= 0) {
            parse(sealed(text.substring(0, brace) + "," + CHECKSUM, "\"}"));
        }
    }

    private static byte[] sealed(String before, String after) {
        byte[] blank = (before + BLANK + after).getBytes(StandardCharsets.ISO_8859_1);
        return (before + Checksums.hex(Checksums.of(blank)) + after).getBytes(StandardCharsets.ISO_8859_1);
    }

    private static void parse(byte[] manifest) {
        try {
            Assertions.assertTrue(StoreManifest.parse(manifest, FILE).totalBytes() >= 0);
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
