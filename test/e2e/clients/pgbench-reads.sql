\set id random(1, 50)
SELECT id, name, email, phone, ssn, card, city FROM customers WHERE id = :id;
SELECT c.*, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = :id;
