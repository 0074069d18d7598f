import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** pgjdbc: simple and extended queries, named server statements, portals by fetch size, batches, metadata and COPY. */
class Jdbc {
  static Connection connection;
  static Path folder;

  public static void main(String[] args) throws Exception {
    folder = Path.of(args[0]);
    Map<String, Object> result = switch (args[1]) {
      case "same" -> same();
      case "foreign" -> foreign();
      default -> judged();
    };
    System.out.print(json(result));
  }

  static Connection connect(String... properties) throws SQLException {
    Map<String, String> env = System.getenv();
    Properties all = new Properties();
    all.put("user", env.get("PGUSER"));
    all.put("password", env.get("PGPASSWORD"));
    all.put("sslmode", "disable");
    for (int at = 0; at < properties.length; at += 2) all.put(properties[at], properties[at + 1]);
    return DriverManager.getConnection(
        "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE"), all);
  }

  static List<String> lines(String name) throws Exception {
    return Files.readAllLines(folder.resolve(name)).stream()
        .filter(line -> !line.isBlank() && !line.startsWith("--")).toList();
  }

  static Map<String, Object> same() throws Exception {
    Map<String, Object> result = new TreeMap<>();
    List<String> queries = lines("queries.sql");
    // The last forces binary from the first execution of a named statement on.
    String[][] ways = {{"preferQueryMode", "simple"}, {"prepareThreshold", "0"}, {"prepareThreshold", "2"},
        {"prepareThreshold", "-1"}};
    for (String[] way : ways) {
      connection = connect(way);
      for (String sql : queries) {
        // A prepared statement with ? in it would have parameters.
        if (sql.contains("?")) continue;
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
          for (int run = 0; run < 4; run++) result.put(String.join("=", way) + run + sql, read(statement.executeQuery()));
        }
      }
      connection.close();
    }
    connection = connect("prepareThreshold", "2", "reWriteBatchedInserts", "true");
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO scratch (id, word, amount) VALUES (?, ?, ?)")) {
      for (int n = 1; n < 200; n++) {
        insert.setInt(1, n);
        insert.setString(2, "it's " + n);
        insert.setBigDecimal(3, new BigDecimal(n).movePointLeft(2));
        insert.addBatch();
      }
      result.put("batch", insert.executeBatch().length);
    }
    try (PreparedStatement insert =
        connection.prepareStatement("INSERT INTO scratch (id) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
      insert.setInt(1, 1000);
      insert.executeUpdate();
      result.put("keys", read(insert.getGeneratedKeys()));
    }
    CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
    result.put("copy in", copy.copyIn("COPY scratch (id, word) FROM STDIN", new StringReader("2000\tone\n2001\ttwo\n")));
    StringWriter out = new StringWriter();
    copy.copyOut("COPY (SELECT * FROM scratch ORDER BY id) TO STDOUT (FORMAT csv)", out);
    result.put("copy out", out.toString());
    for (int size : new int[] {1000, 3}) {
      try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM orders WHERE id <= ? ORDER BY id")) {
        statement.setFetchSize(size);
        statement.setInt(1, size * 20);
        for (int run = 0; run < 3; run++) result.put("fetch " + size + " " + run, digest(read(statement.executeQuery())));
      }
    }
    connection.rollback();
    DatabaseMetaData about = connection.getMetaData();
    result.put("tables", read(about.getTables(null, "public", "%", new String[] {"TABLE"})));
    result.put("columns", read(about.getColumns(null, "public", "%", "%")));
    result.put("keys of orders", read(about.getPrimaryKeys(null, "public", "orders")));
    result.put("indexes", read(about.getIndexInfo(null, "public", "orders", false, false)));
    result.put("schemas", read(about.getSchemas(null, "public")));
    result.put("types", digest(read(about.getTypeInfo())));
    return result;
  }

  /** What foreign keys there are; the driver asks pg_settings on the way. */
  static Map<String, Object> foreign() throws Exception {
    connection = connect();
    DatabaseMetaData about = connection.getMetaData();
    return Map.of("imported", read(about.getImportedKeys(null, "public", "orders")));
  }

  static Map<String, Object> judged() throws Exception {
    Map<String, Object> masked = new TreeMap<>();
    Map<String, Object> events = new TreeMap<>();
    List<String> queries = lines("masked.sql");
    connection = connect("preferQueryMode", "simple");
    for (String sql : queries) ask(sql);
    masked.put("simple", ask(queries.get(0)));
    connection.close();
    connection = connect("prepareThreshold", "-1");
    for (String sql : queries) ask(sql);
    masked.put("binary", ask(queries.get(0)));
    connection.close();
    connection = connect("prepareThreshold", "2");
    try (PreparedStatement statement = connection.prepareStatement(queries.get(0))) {
      for (int run = 0; run < 4; run++) masked.put("prepared " + run, cells(statement.executeQuery()));
    }
    connection.setAutoCommit(false);
    try (PreparedStatement statement = connection.prepareStatement(queries.get(0))) {
      statement.setFetchSize(7);
      masked.put("portal", cells(statement.executeQuery()));
    }
    connection.commit();
    connection.setAutoCommit(true);
    CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
    copy.copyOut("COPY customers TO STDOUT", new StringWriter());

    String denied = "DELETE FROM orders WHERE id = 1";
    events.put("alone", List.of(attempt(denied), attempt("SELECT 1"), attempt(denied), attempt(denied), attempt("SELECT 1")));
    connection.setAutoCommit(false);
    List<String> inside = new ArrayList<>(List.of(attempt("SELECT 1"), attempt(denied), attempt("SELECT 1")));
    connection.rollback();
    inside.add(attempt("SELECT 1"));
    events.put("transaction", inside);
    Savepoint point = connection.setSavepoint();
    List<String> saved = new ArrayList<>(List.of(attempt(denied)));
    connection.rollback(point);
    saved.add(attempt("SELECT 1"));
    connection.commit();
    events.put("savepoint", saved);
    connection.setAutoCommit(true);
    try (PreparedStatement statement = connection.prepareStatement("UPDATE orders SET total = ? WHERE id = ?")) {
      for (int n = 1; n < 5; n++) {
        statement.setInt(1, n);
        statement.setInt(2, n);
        statement.addBatch();
      }
      statement.executeBatch();
      events.put("batch", List.of("went through"));
    } catch (SQLException thrown) {
      events.put("batch", List.of(thrown.getSQLState(), attempt("SELECT 1")));
    }
    return new TreeMap<>(Map.of("masked", masked, "events", events));
  }

  static String attempt(String sql) {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      if (!statement.execute()) return "done";
      ResultSet rows = statement.getResultSet();
      rows.next();
      return "ok " + rows.getString(1);
    } catch (SQLException thrown) {
      return thrown.getSQLState();
    }
  }

  static List<Object> ask(String sql) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      return cells(statement.executeQuery());
    }
  }

  /** Columns with their types, then the rows. */
  static List<Object> read(ResultSet rows) throws SQLException {
    List<Object> all = new ArrayList<>();
    ResultSetMetaData about = rows.getMetaData();
    for (int at = 1; at <= about.getColumnCount(); at++) {
      all.add(List.of(about.getColumnName(at), about.getColumnTypeName(at), about.getPrecision(at), about.getScale(at)));
    }
    all.addAll(cells(rows));
    return all;
  }

  static List<Object> cells(ResultSet rows) throws SQLException {
    List<Object> all = new ArrayList<>();
    ResultSetMetaData about = rows.getMetaData();
    int columns = about.getColumnCount();
    while (rows.next()) {
      List<Object> row = new ArrayList<>();
      for (int at = 1; at <= columns; at++) row.add(cell(rows, at, about.getColumnTypeName(at)));
      all.add(row);
    }
    rows.close();
    return all;
  }

  static String cell(ResultSet rows, int at, String type) throws SQLException {
    if (!type.equals("bytea")) return rows.getString(at);
    byte[] bytes = rows.getBytes(at);
    return bytes == null ? null : java.util.HexFormat.of().formatHex(bytes);
  }

  static String digest(List<Object> found) throws Exception {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(json(found).getBytes("UTF-8"));
    return found.size() + " " + new java.math.BigInteger(1, hash).toString(16);
  }

  static String json(Object value) {
    if (value == null) return "null";
    if (value instanceof Number) return value.toString();
    if (value instanceof List<?> list) return "[" + String.join(",", list.stream().map(Jdbc::json).toList()) + "]";
    if (value instanceof Map<?, ?> map) {
      return "{" + String.join(",", map.entrySet().stream().map(e -> json(e.getKey()) + ":" + json(e.getValue())).toList()) + "}";
    }
    StringBuilder text = new StringBuilder("\"");
    for (char c : value.toString().toCharArray()) {
      if (c == '"' || c == '\\' || c < ' ') text.append(String.format("\\u%04x", (int) c));
      else text.append(c);
    }
    return text.append('"').toString();
  }
}
