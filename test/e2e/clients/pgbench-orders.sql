\set id random(1, 20000)
SELECT id, customer_id, status, total FROM orders WHERE id = :id;
BEGIN;
UPDATE orders SET total = total WHERE id = :id;
SELECT c.id, c.name, c.city, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.id = :id GROUP BY c.id;
ROLLBACK;
