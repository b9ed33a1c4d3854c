import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;
import org.h2.mvstore.MVStore;

/** mongo-java-server on a port and a file of its own: its own main takes no port. See install-mongo-java-server.sh. */
class StartMongoServer {
  // It says 8 by itself, and today's drivers refuse to talk to less than 9.
  static final MongoVersion version = new MongoVersion() {
    @Override public List<Integer> getVersionArray () { return List.of(4, 4, 0); }
    @Override public int getWireVersion () { return 9; }
  };

  public static void main (String[] args) throws InterruptedException {
    MVStore file = new MVStore.Builder().fileName(args[1]).autoCommitDisabled().open();
    H2Backend backend = new H2Backend(file);
    backend.version(version);
    new MongoServer(backend).bind("127.0.0.1", Integer.parseInt(args[0]));
    // What was answered a moment ago outlives kill -9, as with a journal.
    while (true) {
      Thread.sleep(10);
      backend.commit();
    }
  }
}
