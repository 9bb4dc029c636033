package io.moetier.runtime.image;

import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any file is a picture, or is refused by name.
public final class PictureFuzzTest {
    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.checkWithDesktop(PictureFuzzTest.class, 2_000, "imageio", "common");
    }

    /// Reads a picture of these bytes.
    public static void fuzzerTestOneInput(byte[] bytes) {
        try {
            Picture picture = Picture.read(bytes, "picture");
            Assertions.assertEquals(3 * picture.width() * picture.height(), picture.rgb().length);
        } catch (UnreadablePictureException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith("picture: "), e::getMessage);
        }
    }
}
